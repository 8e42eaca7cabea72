//! Mail without TLS; with it: `tls`.

use super::*;

fn target(port: u16, lines: &str) -> String {
    format!(
        "[[notify]]\nname = \"ops\"\ntype = \"mail\"\nto = [\"Öps <ops@example.org>\", \
         \"two@example.org\"]\nfrom = \"lvx@example.org\"\nserver = \"127.0.0.1:{port}\"\n\
         tls = \"none\"\ngroup = \"0s\"\n{lines}\n"
    )
}

#[test]
fn a_mail_says_what_happened() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let server = mail_server(python, &json!({}))?;
    let bench = Bench::new(&target(server.port, "hello = \"lb1.example.org\""))?;
    bench.server(21, "down");
    let mail = server.next()?;
    let headers = &mail["headers"];
    ensure!(mail["sender"] == "lvx@example.org", "{mail:#}");
    ensure!(
        mail["recipients"] == json!(["ops@example.org", "two@example.org"]),
        "{mail:#}"
    );
    ensure!(mail["hello"] == "lb1.example.org", "{mail:#}");
    ensure!(headers["Auto-Submitted"] == "auto-generated", "{mail:#}");
    ensure!(
        headers["To"] == "Öps <ops@example.org>, two@example.org",
        "{mail:#}"
    );
    ensure!(
        headers["Subject"] == "lb1.example.org: real server 192.0.2.21 of web is down",
        "{mail:#}"
    );
    let id = headers["Message-ID"].as_str().context("Message-ID")?;
    ensure!(
        id.starts_with('<') && id.ends_with(".1@example.org>"),
        "{mail:#}"
    );
    ensure!(
        headers["Date"]
            .as_str()
            .is_some_and(|date| date.ends_with("+0000")),
        "{mail:#}"
    );
    let body = mail["body"].as_str().context("a body")?;
    ensure!(
        body.contains("UTC info  real server 192.0.2.21 of web is down"),
        "{body}"
    );
    let standing = bench.wait("ops", "the mail to be counted", |it| it.sent == 1)?;
    ensure!(
        standing.last_error.is_none() && standing.last_success.is_some() && standing.queued == 0,
        "{standing:?}"
    );
    ensure!(bench.told().is_empty(), "{:?}", bench.told());
    Ok(())
}

#[test]
fn templates_and_lines_that_begin_with_dots() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let server = mail_server(python, &json!({}))?;
    let lines = "events = [\"all\"]\nsubject = \"{target}: {count} × {kind} {{{level}}}\"\n\
                 body = \"\"\"\n.\n..\n.{text}\n{router_id}\n\"\"\"";
    let bench = Bench::new(&target(server.port, lines))?;
    // What others say goes into the mail; it shall not be able to end it, or a header.
    bench.order("first\r\n.\r\nBcc: everybody@example.org ä");
    let mail = server.next()?;
    ensure!(
        mail["headers"]["Subject"] == "ops: 1 × order {info}",
        "{mail:#}"
    );
    let body = mail["body"].as_str().context("a body")?;
    let lines: Vec<&str> = body.trim_end().lines().collect();
    let expected = [
        ".",
        "..",
        ".first  .  Bcc: everybody@example.org ä",
        "lb1.example.org",
    ];
    ensure!(lines == expected, "{lines:?}");
    ensure!(mail["headers"].get("Bcc").is_none(), "{mail:#}");
    Ok(())
}

#[test]
fn a_server_that_comes_back_gets_each_message_once() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let reserved = Reserved::new()?;
    let bench = Bench::new(&target(reserved.port, ""))?;
    bench.server(21, "down");
    let standing = bench.wait("ops", "a failure", |it| it.last_error.is_some())?;
    let error = standing.last_error.context("an error")?;
    ensure!(
        error.starts_with(&format!(
            "mail server 127.0.0.1:{}: connecting: ",
            reserved.port
        )) && error.contains("refused"),
        "{error}"
    );
    bench.server(22, "down");
    let mut command = Command::new(python);
    let server = Receiver::start_on(reserved, &mut command, Kind::Mail, json!({}))?;
    let subjects: Vec<Value> = server
        .next_until(|mail| {
            mail["headers"]["Subject"]
                .to_string()
                .contains("192.0.2.22")
        })?
        .iter()
        .map(|mail| mail["headers"]["Subject"].clone())
        .collect();
    ensure!(subjects.len() == 2, "{subjects:?}");
    let standing = bench.wait("ops", "both mails", |it| it.sent == 2 && it.queued == 0)?;
    ensure!(
        (standing.failed, standing.dropped) == (0, 0) && standing.last_error.is_none(),
        "{standing:?}"
    );
    let told = bench.told();
    ensure!(told.len() == 2, "one line for each change: {told:?}");
    ensure!(
        told[0].starts_with("ops cannot be told, it is tried again: mail server"),
        "{told:?}"
    );
    ensure!(told[1] == "ops is told again", "{told:?}");
    ensure!(server.rest().is_empty());
    Ok(())
}

#[test]
fn a_refused_mail_is_given_up_and_the_next_one_says_so() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let answers = json!({ "refuse": ["554 no", "451 not now"] });
    let server = mail_server(python, &answers)?;
    let bench = Bench::new(&target(server.port, ""))?;
    bench.server(21, "down");
    let refused = bench.wait("ops", "the refusal", |it| it.failed == 1)?;
    let error = refused.last_error.context("an error")?;
    ensure!(error.contains("554"), "{error}");
    bench.server(22, "down");
    let mails = server.next_until(|mail| mail["answer"] == "250 taken")?;
    let [first, second, third] = &mails[..] else {
        anyhow::bail!("{mails:#?}");
    };
    let id = |mail: &Value| mail["headers"]["Message-ID"].clone();
    ensure!(
        id(second) == id(third) && id(first) != id(second),
        "{mails:#?}"
    );
    let body = third["body"].as_str().context("a body")?;
    ensure!(body.contains("1 events before these were lost"), "{body}");
    Ok(())
}

/// One that is silent takes its timeout; nobody else waits for it.
#[test]
fn a_hanging_server_delays_nobody() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    let server = mail_server(python, &json!({}))?;
    let slow = target(silent.local_addr()?.port(), "timeout = \"2s\"");
    let quick = target(server.port, "").replace("name = \"ops\"", "name = \"quick\"");
    let bench = Bench::new(&(slow + &quick))?;
    let start = Instant::now();
    bench.server(21, "down");
    server.next()?;
    let after = start.elapsed();
    ensure!(after < Duration::from_millis(1500), "{after:?}");
    let standing = bench.wait("ops", "the timeout", |it| it.last_error.is_some())?;
    let error = standing.last_error.context("an error")?;
    ensure!(error.ends_with("no success within 2s"), "{error}");
    ensure!(start.elapsed() >= Duration::from_secs(2));
    Ok(())
}

#[test]
fn a_group_is_one_mail_and_a_reload_keeps_it() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let server = mail_server(python, &json!({}))?;
    let text = |group: &str| target(server.port, "").replace("\"0s\"", group);
    let mut bench = Bench::new(&text("\"1h\""))?;
    for state in ["down", "up", "down"] {
        bench.server(21, state);
    }
    bench.server(22, "down");
    bench.wait("ops", "a group", |it| it.queued == 1)?;
    bench.configure(&text("\"10ms\""))?;
    let mail = server.next()?;
    let body = mail["body"].as_str().context("a body")?;
    ensure!(
        body.contains("web 192.0.2.21: down, up, down; last: ") && body.contains("192.0.2.22"),
        "{body}"
    );
    Ok(())
}

#[test]
fn the_end_waits_for_the_last_message_and_not_for_ever() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let server = mail_server(python, &json!({}))?;
    let reserved = Reserved::new()?;
    let quick = target(server.port, "").replace("\"0s\"", "\"1h\"");
    let dead = target(reserved.port, "").replace("name = \"ops\"", "name = \"dead\"");
    let mut bench = Bench::new(&(quick + &dead))?;
    bench.server(21, "down");
    let start = Instant::now();
    bench.finish(Duration::from_secs(2))?;
    let after = start.elapsed();
    ensure!(after < Duration::from_secs(4), "{after:?}");
    server.next()?;
    let told = bench.told();
    let dropped = "dead is not told of 1 events in 1 messages: the daemon ends";
    ensure!(told.iter().any(|text| text == dropped), "{told:?}");
    Ok(())
}
