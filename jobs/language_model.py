"""What all language models do at the end of an epoch: read the held-out text, leave weights and a sample behind."""

import math

import numpy as np

from jobs import atomic, evaluation, network, results, writing

OPENING = 200  # symbols


def opening(learnt, vocabulary):
    """The numbers of the learnt text's last symbols up to a line end: read before a sample begins, and not shown.

    A model that has read nothing takes itself to be before the title of a book, and may write blanks for ever.
    """
    line_ends = np.flatnonzero(learnt == vocabulary.index("\n")) if "\n" in vocabulary else []
    end = line_ends[-1] + 1 if len(line_ends) else len(learnt)
    return [int(number) for number in learnt[max(0, end - OPENING) : end]]


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
