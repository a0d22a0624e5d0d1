"""EC2's instance metadata service, version 2, as far as spot/instance-action: runs inside an instance, as root.

Usage: metadata.py NOTICE_FILE        its content is the notice; 404 while there is none
"""

import http.server
import secrets
import sys
from pathlib import Path

TOKEN = secrets.token_urlsafe(40)


class Metadata(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        known = self.path == "/latest/api/token" and "X-aws-ec2-metadata-token-ttl-seconds" in self.headers
        self.answer(200 if known else 400, TOKEN.encode() if known else b"")

    def do_GET(self):
        notice = Path(sys.argv[1])
        if self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            self.answer(401)
        elif self.path == "/latest/meta-data/spot/instance-action" and notice.exists():
            self.answer(200, notice.read_bytes())
        else:
            self.answer(404, b"<h1>404 - Not Found</h1>")

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("169.254.169.254", 80), Metadata).serve_forever()
