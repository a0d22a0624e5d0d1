"""The HTTP endpoint: the AWS API with its log and faults, instance metadata, and the server's own paths."""

import logging
import time

from remote.embedded import (
    answers,
    backend,
    control,
    credentials,
    disks,
    faults,
    images,
    imds,
    machinecalls,
    rewrites,
    rules,
    tokens,
    wire,
)

READY_S = 60  # moto's import takes two or three seconds; on a busy machine more
READ_ONLY = ("Describe", "Get", "List", "Search")


def application(box):
    """The WSGI application of a box."""
    own_paths = {"/embedded": control.answer, "/imds": imds.answer, "/machine": machinecalls.answer}

    def wsgi(environ, start_response):
        first = "/" + environ.get("PATH_INFO", "/").split("/")[1]
        try:
            if first == "/address":
                reply = wire.text_reply(environ["REMOTE_ADDR"] + "\n")
            elif first in own_paths:
                reply = own_paths[first](box, environ)
            else:
                reply = _aws(box, wire.read(environ))
        except faults.Dropped:
            raise ConnectionResetError("ordered by a test") from None
        headers = [(name, value) for name, value in reply.headers if name.lower() != "content-length"]
        length = len(reply.body) if reply.length is None else reply.length
        start_response(f"{reply.status} Reply", [*headers, ("Content-Length", str(length))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]

    return wsgi


def _aws(box, request):
    """Answer a call of the AWS API, in its own format whatever happens."""
    box.touch()
    box.api_log.append(_log_entry(request))
    try:
        credentials.check(box, request)
    except wire.Refused as refusal:
        return wire.refusal(request, refusal)
    fault = faults.take(box, request)
    if fault:
        faults.strike(fault, request, "before")
        if fault.code:
            return wire.error(request, fault.code, fault.message, fault.status)
    reply = _work(box, request)
    if fault:
        faults.strike(fault, request, "after")
    return reply


def _work(box, request):
    if not box.ready.wait(READY_S):
        return wire.error(request, "ServiceUnavailable", "The embedded EC2 is still starting.", 503)
    try:
        return tokens.once(box, request, lambda: _answer(box, request), rules.is_terminated)
    except wire.Refused as refusal:
        return wire.refusal(request, refusal)
    except Exception as wrong:  # as AWS would say it; the log has the traceback
        logging.exception("%s %s", request.service, request.action)
        return wire.error(request, "InternalError", f"The embedded EC2 failed: {wrong!r}", 500)


def _answer(box, request):
    """Let the box's own answer, or moto, do what the rules allow; then the disks follow."""
    if request.service == "ssm":
        images.seed_parameters(request.region)
    rewrites.apply(request)
    rules.check(box, request)
    own = answers.find(request)
    reply = own(box, request) if own else _ask_moto(request)
    if request.service == "ec2" and not request.action.startswith(READ_ONLY):
        disks.store(box)
    return reply


def _ask_moto(request):
    status, headers, body = backend.call(request.environ)
    code = int(status.split()[0])
    if code == 500 and b"<title>" in body[:200]:  # what moto has not got is an HTML page, which no client can read
        return wire.error(request, "InternalFailure", f"{request.action} is not in the embedded EC2", 500)
    return wire.Reply(code, headers, body)


def _log_entry(request):
    return {
        "time": time.time(),
        "service": request.service,
        "region": request.region,
        "action": request.action,
        "parameters": dict(request.form),
    }
