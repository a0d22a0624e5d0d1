"""What all language models do at the end of an epoch: read the held-out text, leave weights and a sample behind."""

import math

from jobs import atomic, evaluation, network, results, writing


def epoch_end(out, job, params, models, test, **facts):  # noqa: PLR0913
    """The function that training.fit calls after each epoch.

    models: the one in training, and the same network without a fixed batch and without state, for reading. test: from
    evaluation.pieces. facts: what model.json needs besides parameters and metrics; the vocabulary at least.
    """
    in_training, reader = models
    choice = writing.Choice(params.temperature, seed=params.seed)

    def finish(epoch, row):
        reader.set_weights([variable.numpy() for variable in in_training.trainable_variables])
        row["held_out_loss"] = evaluation.nats_per_symbol(reader, *test)
        if facts.get("symbols") == "words":
            row["held_out_perplexity"] = math.exp(row["held_out_loss"])
        results.write(out, job, params, reader, metrics=row, **facts)
        sample = writing.pieces(network.read(out), params.sample_length, choice=choice)
        atomic.write_text(out / "samples" / f"epoch-{epoch:03d}.txt", "".join(sample))

    return finish
