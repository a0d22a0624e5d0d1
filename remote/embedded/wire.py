"""AWS requests and replies as they travel: what was asked, and answers in the service's own format."""

import io
import json
import urllib.parse
from dataclasses import dataclass
from xml.sax.saxutils import escape

EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass
class Request:
    """One call of the AWS API. form: its parameters, flat for EC2's query protocol, as given for JSON services."""

    service: str
    region: str
    action: str
    form: dict
    key: str  # the access key that signed it; the signature itself is not checked
    environ: dict


@dataclass
class Reply:
    status: int
    headers: list
    body: bytes
    length: int | None = None  # of the body that a HEAD request only asks about


class Refused(Exception):
    """The API says no. code: AWS's error code; message: AWS's words where they are known."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def read(environ):
    """The Request in a WSGI environment, whose body can then be read once more."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    key, region, service = _signed_for(environ.get("HTTP_AUTHORIZATION", ""))
    if service == "s3":
        return Request(service, region, f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}", {}, key, environ)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        return Request(service, region, form.get("Action", ""), form, key, environ)
    form = _json(body)
    action = target.rpartition(".")[2] or _rest_action(service, environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
    return Request(service, region, action, form, key, environ)


def _rest_action(service, method, path):
    """The action of a call that doesn't name one. EventBridge Scheduler's are told by method and path."""
    if service == "scheduler" and path.startswith("/schedules/"):
        return {"POST": "Create", "PUT": "Update", "GET": "Get", "DELETE": "Delete"}.get(method, method) + "Schedule"
    return "ListSchedules" if (service, method, path) == ("scheduler", "GET", "/schedules") else f"{method} {path}"


def put_form(request):
    """Make the environment's body say what the form says, after the form was changed."""
    body = urllib.parse.urlencode(request.form).encode()
    request.environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def numbered(form, prefix):
    """The values of prefix.1, prefix.2, ... in order, as the query protocol writes lists."""
    names = [name for name in form if name.rpartition(".")[0] == prefix and name.rpartition(".")[2].isdigit()]
    return [form[name] for name in sorted(names, key=lambda name: int(name.rpartition(".")[2]))]


def error(request, code, message, status=400):
    """An error in the format of the service that was called."""
    if request.service == "s3":
        return _xml(status, f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>")
    if request.service in ("ec2", "sts", "iam"):
        text = f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        if request.service != "ec2":
            text = text.replace("<Response><Errors>", "<ErrorResponse>")
            return _xml(status, text + "<RequestId>embedded</RequestId></ErrorResponse>")
        return _xml(status, text + "</Errors><RequestID>embedded</RequestID></Response>")
    return json_reply({"__type": code, "message": message}, status, [("x-amzn-errortype", code)])


def refusal(request, refused):
    """A Refused as the service that was called says it."""
    return error(request, refused.code, refused.message, refused.status)


def ec2_reply(action, inner):
    """A reply of the EC2 API; inner: XML."""
    text = f'<{action}Response xmlns="{EC2_NAMESPACE}"><requestId>embedded</requestId>{inner}</{action}Response>'
    return _xml(200, text)


def s3_reply(root, inner):
    """A reply of S3; inner: XML."""
    return _xml(200, f'<{root} xmlns="{S3_NAMESPACE}">{inner}</{root}>')


def json_reply(value, status=200, headers=()):
    return Reply(status, [("Content-Type", "application/x-amz-json-1.1"), *headers], json.dumps(value).encode())


def text_reply(text, status=200):
    return Reply(status, [("Content-Type", "text/plain; charset=utf-8")], text.encode())


def _xml(status, text):
    body = ('<?xml version="1.0" encoding="UTF-8"?>\n' + text).encode()
    return Reply(status, [("Content-Type", "text/xml;charset=UTF-8")], body)


def _signed_for(authorization):
    """(access key, region, service) of a Signature Version 4 header; empty texts without one."""
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return (scope[0], scope[2], scope[3]) if len(scope) == 5 else ("", "", "")


def _json(body):
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
