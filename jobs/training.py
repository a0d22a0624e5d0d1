"""model.fit for jobs that may be killed: resumes from its checkpoint bit for bit, saves when asked to stop.

Any compiled Keras model will do, or a learner like jobs.keras_learner, and any batches whose contents follow from
(epoch, step) alone.
"""

import contextlib
import dataclasses
import math
import signal
import time
from dataclasses import dataclass, field

from jobs import checkpoints, greetings, metrics, parameters
from jobs.keras_learner import KerasLearner
from jobs.parameters import BadInput

CHECKPOINT_SECONDS = 60  # one at each epoch's end, and this often within a long one
STOPPED = 128 + signal.SIGTERM  # what a shell calls the exit code of a process that SIGTERM has ended


@dataclass
class Progress:
    """What a checkpoint knows besides the arrays."""

    identity: dict  # the parameters: a checkpoint of other ones is not ours
    history: list = field(default_factory=list)  # a row of metrics for each finished epoch
    step: int = 0  # made in the epoch that is not finished
    loss_sum: float = 0.0  # over these steps
    seconds: float = 0.0  # that they took


def make_repeatable(seed):
    """Same seed, same machine, same result, bit for bit. To be called before the model is built."""
    with greetings.held_back():
        import keras
        import tensorflow as tf

        keras.utils.set_random_seed(seed)
        tf.config.experimental.enable_op_determinism()
        tf.config.list_physical_devices()


def compile_adam(model, params, steps, loss=None):
    """Adam with a learning rate that rises for a tenth of all steps, then falls along a cosine; gradients clipped.

    steps: in an epoch. loss: a Keras loss; default: the negative log likelihood of the targets, in nats.
    """
    from keras import losses, optimizers

    rising, falling = _rise_and_fall(params, steps)
    rate = optimizers.schedules.CosineDecay(
        params.learning_rate / 10, falling, warmup_target=params.learning_rate, warmup_steps=rising
    )
    loss = loss or losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers.Adam(rate, global_clipnorm=1.0), loss)


def learning_rate(params, steps):
    """The same learning rate as a function of how many steps have been made."""
    rising, falling = _rise_and_fall(params, steps)

    def rate(made):
        if made < rising:
            return params.learning_rate * (0.1 + 0.9 * made / rising)
        return params.learning_rate * (1 + math.cos(math.pi * min(1, (made - rising) / falling))) / 2

    return rate


def _rise_and_fall(params, steps):
    """How many steps the learning rate rises, and how many it falls."""
    total = params.epochs * steps
    return max(1, int(0.1 * total)), max(1, int(0.9 * total))


def fit(model, batches, params, out, finish_epoch):
    """Train to epoch params.epochs, from the newest checkpoint in out/checkpoint or else from the beginning.

    model: compiled, or a learner. batches: .steps in an epoch; .at(epoch, step) -> inputs, targets. Epochs count from
    1, steps from 0.
    finish_epoch: called with (epoch, row of metrics), may add to the row, write samples and weights.
    Returns the history, one row an epoch. On SIGTERM: saves after the step in progress and exits with STOPPED.
    Raises BadInput when the checkpoint is of other parameters.
    """
    learner = model if hasattr(model, "learn") else KerasLearner(model)
    progress = _resume(learner, out, _identity(learner, params, batches))
    with metrics.recording(out, progress.history) as record, _stop_request() as stop:
        after_step = _after_step(learner, batches.steps, params.epochs, out, progress, stop)
        for epoch in range(len(progress.history) + 1, params.epochs + 1):
            _train_epoch(learner, batches, epoch, progress, after_step)
            row = {"epoch": epoch, "loss": progress.loss_sum / batches.steps, "seconds": round(progress.seconds, 3)}
            finish_epoch(epoch, row)
            progress.history.append(row)
            progress.step, progress.loss_sum, progress.seconds = 0, 0.0, 0.0
            _save(learner, out, progress, batches.steps)
            metrics.add(record, row)
    return progress.history


def _train_epoch(learner, batches, epoch, progress, after_step):
    """Make the steps of one epoch that are not made yet."""
    if progress.step == 0:
        learner.begin_epoch()
    while progress.step < batches.steps:
        started = time.perf_counter()
        inputs, targets = batches.at(epoch, progress.step)
        progress.loss_sum += learner.learn(inputs, targets)
        progress.step += 1
        progress.seconds += time.perf_counter() - started
        after_step(epoch)


def _after_step(learner, steps, epochs, out, progress, stop):  # noqa: PLR0913
    """The function to call after each step: shows progress, saves now and then, ends the process if asked to."""
    live = metrics.Live(out / "progress.json", epochs, steps, done=len(progress.history) * steps + progress.step)
    saved = time.monotonic()

    def after_step(epoch):
        nonlocal saved
        metrics.show(live, epoch, progress.step, progress.loss_sum / progress.step)
        if stop.is_set or time.monotonic() - saved > CHECKPOINT_SECONDS:
            _save(learner, out, progress, steps)
            saved = time.monotonic()
        if stop.is_set:
            print(f"Stopped in epoch {epoch} after step {progress.step}; saved. The same command goes on.", flush=True)
            raise SystemExit(STOPPED)

    return after_step


def _save(learner, out, progress, steps):
    total_steps = len(progress.history) * steps + progress.step
    checkpoints.save(out / "checkpoint", total_steps, learner.arrays(), dataclasses.asdict(progress))


def _resume(learner, out, identity):
    """Put the newest checkpoint into the learner and return its progress; without one, that of a new training."""
    kept = checkpoints.load(out / "checkpoint")
    if kept is None:
        return Progress(identity)
    arrays, progress = kept[0], Progress(**kept[1])
    _check_identity(out, progress.identity, identity)
    try:
        learner.restore(arrays)
    except ValueError:
        raise BadInput(
            f"{out} holds a training on another text. Use another --out, or delete {out / 'checkpoint'}."
        ) from None
    print(f"Resumed from {out / 'checkpoint'}: epoch {len(progress.history) + 1}, step {progress.step}.", flush=True)
    return progress


def _identity(learner, params, batches):
    """What must be the same for a training to go on: all but the paths of files, elsewhere on another machine."""
    elsewhere = parameters.files(type(params))
    same = {name: value for name, value in dataclasses.asdict(params).items() if name not in elsewhere}
    return same | {"steps": batches.steps, "engine": learner.engine}


def _check_identity(out, theirs, ours):
    differing = [name for name in ours if theirs.get(name) != ours[name]]
    if differing:
        name = differing[0]
        raise BadInput(
            f"{out} holds a training with {name} {theirs.get(name)!r}, not {ours[name]!r}. Use another --out, or "
            f"delete {out / 'checkpoint'}."
        )


@dataclass
class _Stop:
    is_set: bool = False


@contextlib.contextmanager
def _stop_request():
    """SIGTERM sets a flag inside the block instead of ending the process."""
    stop = _Stop()

    def request(_signal, _frame):
        stop.is_set = True

    before = signal.signal(signal.SIGTERM, request)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
