"""The commands that do again what a run did, ready to be pasted into a shell."""

import shlex

DEFAULT_CLOUD = "embedded"  # as shipped


def again(run, changed):
    """The command that starts the same run. changed: {job: names of its parameters that differ from their defaults}."""
    words = _settings(run) + ["bin/fab"]
    words += ["-H", run.host.removesuffix(":22")] if run.host else []
    words += ["train"]
    for turn in run.turns:
        words += ["--job", turn["job"]]
        whose = f"{turn['job']}." if run.then else ""
        for name in changed[turn["job"]]:
            words += ["--set", f"{whose}{name}={_text(turn['parameters'][name])}"]
    for name, value in run.options.items():
        words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return " ".join(_quoted(word) for word in words)


def more(run, models, has_tensorboard):
    """[(command, what it is good for)] for going on from the results. models: what each model.json says."""
    found = []
    if any("vocabulary" in model for model in models):
        found.append((f"bin/sample.sh --run {run.id} --temperature 0.8", "more text from these weights"))
    if any("classes" in model and "encoding" in model for model in models):
        found.append((f"bin/segment.sh --run {run.id} picture.jpg", "the same for a picture of yours"))
    if has_tensorboard:
        found.append((f"bin/fab tensorboard --run {run.id}", "the same curves in TensorBoard"))
    return found


def _settings(run):
    """What is set in the environment because no option says it: where the run was rented."""
    if run.host or run.cloud == DEFAULT_CLOUD:
        return []
    return [f"FABRIC_CLOUD={run.cloud}", f"FABRIC_REGION={run.region}"]


def _quoted(word):
    """The word for a shell; of NAME=VALUE only the value, for quotes round a name would make it a command."""
    name, equals, value = word.partition("=")
    if equals and shlex.quote(name) == name:
        return f"{name}={shlex.quote(value)}" if value else word
    return shlex.quote(word)


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)
