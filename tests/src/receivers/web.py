"""A web server: each request is a line of JSON on standard output. Options are JSON, too."""

import hashlib
import hmac
import http.server
import json
import socket
import ssl
import sys
import time

options = json.loads(sys.argv[1])
# Pairs of status and headers, the last one for ever; a status of 0 is silence.
answers = options.get("answers", [[200, {}]])


def tell(**what):
    print(json.dumps(what), flush=True)


def is_signed(handler, body):
    secret = options["secret"].encode()
    signed = handler.headers["X-Lvx-Timestamp"].encode() + b"." + body
    mac = hmac.new(secret, signed, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(handler.headers["X-Lvx-Timestamp"])) < 60
    return fresh and hmac.compare_digest("sha256=" + mac, handler.headers["X-Lvx-Signature"])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = answers.pop(0) if len(answers) > 1 else answers[0]
        tell(
            answer=status,
            path=self.path,
            signed=is_signed(self, body) if "secret" in options else None,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(body),
        )
        if status == 0:
            time.sleep(3600)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.daemon_threads = True
if options.get("inherited"):
    server.socket = socket.socket(fileno=0)
else:
    server.socket.bind(("127.0.0.1", 0))
server.server_activate()
port = server.socket.getsockname()[1]
if "cert" in options:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options["cert"], options["key"])
    if "client_ca" in options:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(options["client_ca"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
tell(port=port)
server.serve_forever()
