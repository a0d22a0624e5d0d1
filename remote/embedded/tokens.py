"""ClientToken: a call that is repeated with its token is answered again and done once."""

import threading
from dataclasses import dataclass, field

from remote.embedded.wire import Refused, Reply

ACTIONS = ("RunInstances", "CreateVolume")
MISMATCH = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
TERMINATED = (
    "The client token you have provided is associated with a terminated instance. Please use a different client token."
)


@dataclass
class Token:
    """What was done under a token. The lock makes a repetition wait for a first call that is still at work."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    form: dict | None = None
    reply: Reply | None = None


def once(box, request, answer, is_terminated):
    """answer(), or its earlier reply for the same token. Raises Refused if the token was used for something else.

    is_terminated(reply): whether the instance that an earlier reply speaks of has been terminated since.
    """
    text = request.form.get("ClientToken")
    if request.action not in ACTIONS or not text:
        return answer()
    token = box.tokens.setdefault((request.region, request.action, text), Token())
    with token.lock:
        if token.reply is None:
            form = dict(request.form)
            reply = answer()
            if reply.status == 200:
                token.form, token.reply = form, reply
            return reply
        if token.form != request.form:
            raise Refused("IdempotentParameterMismatch", MISMATCH)
        if is_terminated(token.reply):
            raise Refused("IdempotentInstanceTerminated", TERMINATED)
        return token.reply
