//! Webhooks by plain HTTP; with TLS: `tls`.

use super::*;

fn target(port: u16, lines: &str) -> String {
    format!(
        "[[notify]]\nname = \"hook\"\ntype = \"webhook\"\ngroup = \"0s\"\n\
         url = \"http://127.0.0.1:{port}/hooks/lvx?x=1\"\n{lines}\n"
    )
}

#[test]
fn a_request_is_signed_json() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let server = web_server(python, &json!({ "secret": "a key" }))?;
    let lines = "secret = \"a key\"\nheaders = { Authorization = \"Bearer x\" }";
    let bench = Bench::new(&target(server.port, lines))?;
    bench.server(21, "down");
    let request = server.next()?;
    ensure!(request["signed"] == true, "{request:#}");
    ensure!(request["path"] == "/hooks/lvx?x=1", "{request:#}");
    let headers = &request["headers"];
    ensure!(headers["content-type"] == "application/json", "{request:#}");
    ensure!(headers["authorization"] == "Bearer x", "{request:#}");
    ensure!(
        headers["host"] == format!("127.0.0.1:{}", server.port),
        "{request:#}"
    );
    let body = &request["body"];
    ensure!(headers["idempotency-key"] == body["id"], "{request:#}");
    ensure!(
        body["version"] == 1
            && body["router_id"] == "lb1.example.org"
            && body["target"] == "hook"
            && body["count"] == 1
            && body["dropped"] == 0,
        "{request:#}"
    );
    let event = &body["events"][0];
    ensure!(
        event["kind"] == "server"
            && event["service"] == "web"
            && event["server"] == "192.0.2.21"
            && event["to"] == "down"
            && event["fields"]["state"] == "down",
        "{event:#}"
    );
    bench.server(21, "up");
    let request = server.next()?;
    let event = &request["body"]["events"][0];
    ensure!(event["from"] == "down" && event["to"] == "up", "{event:#}");
    Ok(())
}

#[test]
fn another_key_is_noticed_there() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let server = web_server(python, &json!({ "secret": "a key" }))?;
    let bench = Bench::new(&target(server.port, "secret = \"another key\""))?;
    bench.server(21, "down");
    let request = server.next()?;
    ensure!(request["signed"] == false, "{request:#}");
    Ok(())
}

#[test]
fn what_may_pass_is_tried_again_and_is_the_same_message() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let answers = json!([[500, {}], [429, { "Retry-After": "2" }], [503, {}], [204, {}]]);
    let server = web_server(python, &json!({ "answers": answers }))?;
    let bench = Bench::new(&target(server.port, ""))?;
    bench.server(21, "down");
    let mut times = Vec::new();
    let mut requests = Vec::new();
    for _ in 0..4 {
        requests.push(server.next()?);
        times.push(Instant::now());
    }
    let ids = requests.iter().map(|request| &request["body"]["id"]);
    let ids: std::collections::BTreeSet<String> = ids.map(ToString::to_string).collect();
    ensure!(ids.len() == 1, "{requests:#?}");
    let asked = times[2] - times[1];
    ensure!(asked >= Duration::from_millis(1900), "{asked:?}");
    let standing = bench.wait("hook", "the success", |it| it.sent == 1)?;
    ensure!(
        standing.failed == 0 && standing.last_error.is_none(),
        "{standing:?}"
    );
    ensure!(bench.told().len() == 2, "{:?}", bench.told());
    ensure!(server.rest().is_empty());
    Ok(())
}

#[test]
fn what_is_wrong_with_the_message_is_final() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let answers = json!([[404, {}], [200, {}]]);
    let server = web_server(python, &json!({ "answers": answers }))?;
    let bench = Bench::new(&target(server.port, ""))?;
    bench.server(21, "down");
    let failed = bench.wait("hook", "the refusal", |it| it.failed == 1)?;
    let error = failed.last_error.context("an error")?;
    let place = format!("http://127.0.0.1:{}", server.port);
    ensure!(
        error == format!("{place} answered 404 Not Found"),
        "{error}"
    );
    bench.server(22, "down");
    let requests = server.next_until(|request| request["answer"] == 200)?;
    ensure!(requests.len() == 2, "{requests:#?}");
    ensure!(requests[1]["body"]["dropped"] == 1, "{requests:#?}");
    Ok(())
}

#[test]
fn a_redirect_is_not_followed_and_silence_has_an_end() -> Result<()> {
    let Some(python) = python() else {
        return Ok(());
    };
    let there = web_server(python, &json!({}))?;
    let to = format!("http://127.0.0.1:{}/", there.port);
    let here = web_server(python, &json!({ "answers": [[302, { "Location": to }]] }))?;
    let mut bench = Bench::new(&target(here.port, ""))?;
    let error = bench.test("hook")?.err().context("a redirect")?;
    ensure!(error.contains("redirects are not followed"), "{error}");
    ensure!(there.rest().is_empty(), "it was followed");
    let silent = web_server(python, &json!({ "answers": [[0, {}]] }))?;
    bench.configure(&target(silent.port, "timeout = \"300ms\""))?;
    let error = bench.test("hook")?.err().context("silence")?;
    ensure!(error.ends_with("no answer within 300ms"), "{error}");
    Ok(())
}
