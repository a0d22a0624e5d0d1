"""model.fit for jobs that may be killed: resumes from its checkpoint bit for bit, saves when asked to stop.

Any compiled Keras model will do, or a learner like jobs.keras_learner, and any batches whose contents follow from
(epoch, step) alone.
"""

import contextlib
import dataclasses
import signal
import time
from dataclasses import dataclass, field

from jobs import checkpoints, greetings, learning_rate, metrics, parameters
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


def compile_adam(model, params, steps, more=0, loss=None):
    """Adam with the learning rate of learning_rate.py; gradients clipped.

    steps: in all epochs. more: after them, on more data. loss: a Keras loss; default: the negative log likelihood of
    the targets, in nats.
    """
    from keras import losses, optimizers

    rate = learning_rate.schedule(params.learning_rate, steps, more)
    loss = loss or losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers.Adam(rate, global_clipnorm=1.0), loss)


def fit(model, batches, params, out, finish_epoch):
    """Train through all epochs, from the newest checkpoint in out/checkpoint or else from the beginning.

    model: compiled, or a learner. batches: .steps_of(params.epochs) -> the steps of each epoch, a list; .at(epoch,
    step) -> inputs, targets. Epochs count from 1, steps from 0.
    finish_epoch: called with (epoch, row of metrics), may add to the row, write samples and weights.
    Returns the history, one row an epoch. On SIGTERM: saves after the step in progress and exits with STOPPED.
    Raises BadInput when the checkpoint is of other parameters.
    """
    learner, steps = model if hasattr(model, "learn") else KerasLearner(model), batches.steps_of(params.epochs)
    progress = _resume(learner, out, _identity(learner, params, steps))
    with metrics.recording(out, progress.history) as record, _stop_request() as stop:
        after_step = _after_step(learner, steps, out, progress, stop)
        for epoch in range(len(progress.history) + 1, len(steps) + 1):
            _train_epoch(learner, batches, steps[epoch - 1], progress, after_step)
            row = {"epoch": epoch, "loss": progress.loss_sum / progress.step, "seconds": round(progress.seconds, 3)}
            _save(learner, out, progress, steps)  # so that what comes now, which may take minutes, may be cut short
            with stop.at_once():
                finish_epoch(epoch, row)
            progress.history.append(row)
            progress.step, progress.loss_sum, progress.seconds = 0, 0.0, 0.0
            _save(learner, out, progress, steps)
            metrics.add(record, row)
    return progress.history


def _train_epoch(learner, batches, steps, progress, after_step):
    """Make those of the epoch's steps that are not made yet."""
    epoch = len(progress.history) + 1
    if progress.step == 0:
        learner.begin_epoch()
    while progress.step < steps:
        started = time.perf_counter()
        inputs, targets = batches.at(epoch, progress.step)
        progress.loss_sum += learner.learn(inputs, targets)
        progress.step += 1
        progress.seconds += time.perf_counter() - started
        after_step(epoch)


def _after_step(learner, steps, out, progress, stop):
    """The function to call after each step: shows progress, saves now and then, ends the process if asked to."""
    live = metrics.Live(out / "progress.json", steps, done=_made(progress, steps))
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
    checkpoints.save(out / "checkpoint", _made(progress, steps), learner.arrays(), dataclasses.asdict(progress))


def _made(progress, steps):
    """How many steps have been made in all."""
    return sum(steps[: len(progress.history)]) + progress.step


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


def _identity(learner, params, steps):
    """What must be the same for a training to go on: all but the paths of files, elsewhere on another machine."""
    elsewhere = parameters.files(type(params))
    same = {name: value for name, value in dataclasses.asdict(params).items() if name not in elsewhere}
    return same | {"steps": sum(steps), "engine": learner.engine}


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
    """Has somebody asked the training to stop?"""

    is_set: bool = False
    is_at_once: bool = False  # nothing would be lost

    @contextlib.contextmanager
    def at_once(self):
        self.is_at_once = True
        self._end_if_due()  # it may have come while the epoch was being saved
        yield
        self.is_at_once = False

    def request(self, _signal, _frame):
        self.is_set = True
        self._end_if_due()

    def _end_if_due(self):
        if self.is_set and self.is_at_once:
            print("Stopped at an epoch's end; saved. The same command goes on.", flush=True)
            raise SystemExit(STOPPED)


@contextlib.contextmanager
def _stop_request():
    """SIGTERM inside the block asks for a stop instead of ending the process."""
    stop = _Stop()
    before = signal.signal(signal.SIGTERM, stop.request)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
