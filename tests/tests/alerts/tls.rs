//! Mail and webhooks with TLS, an authority of our own, passwords and certificates.

use std::fs;

use lb_tests::receivers::Authority;

use super::*;

struct Post {
    authority: Authority,
    server: Receiver,
}

impl Post {
    /// A mail server that wants TLS and a password; its certificate is for `names`.
    fn new(python: &str, tls: &str, names: &str) -> Result<Self> {
        let authority = Authority::new()?;
        let certified = authority.certify("server", names)?;
        let password = authority.dir().join("password");
        fs::write(&password, "right\n")?;
        let options = json!({
            "tls": tls,
            "cert": certified.certificate,
            "key": certified.key,
            "user": "lvx",
            "password_file": password,
        });
        let server = mail_server(python, &options)?;
        Ok(Self { authority, server })
    }

    fn target(&self, tls: &str, lines: &str) -> String {
        format!(
            "[[notify]]\nname = \"ops\"\ntype = \"mail\"\nto = \"ops@example.org\"\n\
             server = \"127.0.0.1:{}\"\ntls = \"{tls}\"\ngroup = \"0s\"\nusername = \"lvx\"\n\
             password_file = \"{}\"\n{lines}\n",
            self.server.port,
            self.authority.dir().join("own").display()
        )
    }

    fn ca(&self) -> String {
        format!("ca = \"{}\"", self.authority.ca().display())
    }
}

const OURS: &str = "IP:127.0.0.1,DNS:mail.example.org";

#[test]
fn starttls_and_tls_with_a_password_that_changes() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    for tls in ["starttls", "tls"] {
        let post = Post::new(python, tls, OURS)?;
        let own = post.authority.dir().join("own");
        fs::write(&own, "wrong\n")?;
        let bench = Bench::new(&post.target(tls, &post.ca()))?;
        bench.server(21, "down");
        let failed = bench.wait("ops", "the wrong password", |it| it.last_error.is_some())?;
        let error = failed.last_error.context("an error")?;
        ensure!(error.contains("AUTH") && error.contains("535"), "{error}");
        ensure!(!error.contains("wrong"), "{error}");
        // It is read for each try, and the message is not lost.
        fs::write(&own, "right\n")?;
        let mail = post.server.next()?;
        ensure!(mail["user"] == "lvx", "{mail:#}");
        ensure!(tls == "tls" || mail["tls"] == true, "{mail:#}");
        ensure!(mail["sender"] == "lvx@lb1.example.org", "{mail:#}");
        let standing = bench.wait("ops", "the mail", |it| it.sent == 1)?;
        ensure!(
            (standing.failed, standing.dropped) == (0, 0),
            "{standing:?}"
        );
    }
    Ok(())
}

#[test]
fn a_certificate_that_is_wrong_is_told_in_words() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let other = Authority::new()?;
    for (names, lines, words) in [
        (
            OURS,
            format!("ca = \"{}\"", other.ca().display()),
            "nobody whom lvx trusts has signed",
        ),
        (OURS, String::new(), "nobody whom lvx trusts has signed"),
        (
            "DNS:else.example.org",
            String::from("CA"),
            "is for else.example.org, not for 127.0.0.1: set `server` to a name it has",
        ),
        ("DNS:else.example.org", String::from("verify = false"), ""),
        (
            OURS,
            String::from("ca = \"/nonexistent/ca.pem\""),
            "/nonexistent/ca.pem cannot be read",
        ),
    ] {
        let post = Post::new(python, "starttls", names)?;
        fs::write(post.authority.dir().join("own"), "right")?;
        let lines = if lines == "CA" { post.ca() } else { lines };
        let mut bench = Bench::new(&post.target("starttls", &lines))?;
        let ended = bench.test("ops")?;
        match (ended, words) {
            (Ok(()), "") => {
                let mail = post.server.next()?;
                let subject = mail["headers"]["Subject"].as_str().context("a subject")?;
                ensure!(subject.contains("this is a test of ops"), "{subject}");
            }
            (Err(error), words) if !words.is_empty() => {
                ensure!(error.contains(words), "{error}");
            }
            (ended, words) => anyhow::bail!("{names} {lines}: {ended:?}, not {words:?}"),
        }
    }
    Ok(())
}

#[test]
fn a_webhook_shows_who_it_is_and_wants_to_know_the_same() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let authority = Authority::new()?;
    let server = authority.certify("server", "DNS:localhost,IP:127.0.0.1")?;
    let client = authority.certify("client", "DNS:lb1.example.org")?;
    let options = json!({
        "cert": server.certificate,
        "key": server.key,
        "client_ca": authority.ca(),
    });
    let receiver = web_server(python, &options)?;
    let target = |lines: &str| {
        format!(
            "[[notify]]\nname = \"hook\"\ntype = \"webhook\"\nurl = \"https://127.0.0.1:{}/a\"\n\
             group = \"0s\"\nca = \"{}\"\n{lines}\n",
            receiver.port,
            authority.ca().display()
        )
    };
    let identity = format!(
        "cert = \"{}\"\nkey = \"{}\"",
        client.certificate.display(),
        client.key.display()
    );
    let mut bench = Bench::new(&target(&identity))?;
    bench.server(21, "down");
    let request = receiver.next()?;
    ensure!(request["path"] == "/a", "{request:#}");
    bench.configure(&target(""))?;
    let ended = bench.test("hook")?;
    ensure!(ended.is_err(), "without a certificate of ours");
    Ok(())
}
