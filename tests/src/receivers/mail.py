"""A mail server: each mail is a line of JSON on standard output. Options are JSON, too."""

import asyncio
import email
import email.policy
import json
import socket
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

options = json.loads(sys.argv[1])


def tell(**what):
    print(json.dumps(what), flush=True)


class Handler:
    left = options.get("refuse", [])

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        answer = self.left.pop(0) if self.left else "250 taken"
        tell(
            answer=answer,
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            hello=session.host_name,
            user=getattr(session.auth_data, "decode", lambda: None)(),
            tls=session.ssl is not None,
            raw=envelope.content.decode("latin-1"),
            headers={name: str(value) for name, value in mail.items()},
            body=mail.get_content(),
        )
        return answer


def authenticate(server, session, envelope, mechanism, data):
    # The password may change while it runs.
    expected = open(options["password_file"]).read().strip()
    if data.login == options["user"].encode() and data.password == expected.encode():
        return AuthResult(success=True, auth_data=data.login)
    return AuthResult(success=False, handled=False)


async def main():
    context = None
    if "cert" in options:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["cert"], options["key"])
    starttls = options.get("tls") == "starttls"
    with_login = "user" in options

    def server():
        return SMTP(
            Handler(),
            require_starttls=starttls,
            tls_context=context if starttls else None,
            auth_required=with_login,
            auth_require_tls=starttls,
            authenticator=authenticate if with_login else None,
            hostname="mail.example.org",
        )

    if options.get("inherited"):
        listening = socket.socket(fileno=0)
    else:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
    implicit = context if options.get("tls") == "tls" else None
    await asyncio.get_running_loop().create_server(server, sock=listening, ssl=implicit)
    tell(port=listening.getsockname()[1])
    await asyncio.Event().wait()


asyncio.run(main())
