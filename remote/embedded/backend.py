"""moto's WSGI application, called in this process."""

import functools
import io


@functools.cache
def _application():
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


def call(environ):
    """Let moto answer; returns (status line, headers, body)."""
    answer = {}

    def start_response(status, headers, _error=None):
        answer.update(status=status, headers=headers)

    body = b"".join(_application()(environ, start_response))
    return answer["status"], answer["headers"], body


def environ(service, region, body):
    """A WSGI request of the server's own, as if a client had signed it."""
    signed = f"AWS4-HMAC-SHA256 Credential=SELF/20200101/{region}/{service}/aws4_request, Signature=0"
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": signed,
        "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
