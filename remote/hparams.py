"""The parameters of a run as TensorBoard's HParams plugin reads them: an event file written when somebody looks."""

from remote import event_files, runs

# tensorboard is imported when a file is written: no other command needs it, and it takes its time.


def write(run, turn, folder):
    """Write one job's parameters, its machine, begin and end into folder, in place of what was written before.

    turn: of run.turns.
    """
    from tensorboard.compat.proto import event_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter

    began = runs.posix(run.started or run.created)
    events = [event_pb2.Event(wall_time=began, file_version="brain.Event:2")]
    events += [event_pb2.Event(wall_time=began, summary=summary) for summary in _summaries(run, turn, began)]
    path = folder / f"events.out.tfevents.{int(began)}.{run.id}{event_files.OURS}"
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())


def _summaries(run, turn, began):
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    group = f"{run.id} {turn['job']}" if run.then else run.id
    start = plugin_data_pb2.SessionStartInfo(group_name=group, start_time_secs=began)
    for name, value in (turn["parameters"] | {"job": turn["job"], "machine": run.instance_type or run.host}).items():
        setattr(start.hparams[name], *_typed(value))
    found = [_summary(metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=start))]
    if run.ended:
        status = api_pb2.STATUS_FAILURE if run.exit_code else api_pb2.STATUS_SUCCESS
        end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=runs.posix(run.ended))
        found.append(_summary(metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=end)))
    return found


def _typed(value):
    """(name of the protobuf field, value): HParams knows numbers, booleans and texts."""
    if isinstance(value, bool):
        return "bool_value", value
    return ("number_value", value) if isinstance(value, int | float) else ("string_value", str(value))


def _summary(tag, data):
    from tensorboard.compat.proto import summary_pb2
    from tensorboard.plugins.hparams import metadata

    summary = summary_pb2.Summary()
    summary.value.add(tag=tag, metadata=metadata.create_summary_metadata(data), tensor=metadata.NULL_TENSOR)
    return summary
