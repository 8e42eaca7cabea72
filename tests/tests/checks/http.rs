//! nginx, which says itself that it is not well.

use std::fs;

use anyhow::{Result, ensure};
use lb_tests::client::survey;
use lb_tests::lab::Lab;

use super::{Programs, TIMING, server_address, service, wait_state, wait_up, with_services};

const PORT: u16 = 8080;

/// Its pages are served either way; only `/health` tells.
pub(super) fn nginx(lab: &Lab, programs: &Programs, number: u8, servers: &str) -> Result<()> {
    let dir = lab.dir().join(format!("nginx-{number}"));
    fs::create_dir_all(&dir)?;
    let d = dir.display();
    fs::write(
        dir.join("nginx.conf"),
        format!(
            "daemon off; master_process off; pid {d}/pid; error_log {d}/error;\nevents {{}}\n\
             http {{ access_log off; default_type text/plain; client_body_temp_path {d}; \
             proxy_temp_path {d}; fastcgi_temp_path {d}; uwsgi_temp_path {d}; \
             scgi_temp_path {d};\n{servers}\n}}\n"
        ),
    )?;
    let program = std::env::var_os("LVX_NGINX").unwrap_or_else(|| "nginx".into());
    programs.start(lab, number, |command| {
        command.arg(program).arg("-p").arg(&dir).arg("-c");
        command
            .arg(dir.join("nginx.conf"))
            .arg("-e")
            .arg(dir.join("start"));
    })
}

/// What nginx looks at to know that it is ill.
fn ill(lab: &Lab, number: u8) -> std::path::PathBuf {
    lab.dir().join(format!("ill-{number}"))
}

/// A service one of whose servers has to be ill.
fn with_own_check(number: u8) -> String {
    let check =
        |status| format!("type = \"http\", port = {PORT}, path = \"/health\", status = {status}");
    let text = service("own", PORT + 2, "tcp", &check(200));
    let server = format!("address = \"{}\"\n", server_address(number));
    let own = format!("{server}check = {{ {TIMING}, {} }}\n", check(503));
    text.replace(&server, &own)
}

#[test]
fn a_server_that_says_that_it_is_ill_gets_no_clients() {
    let services = service(
        "pages",
        PORT,
        "tcp",
        "type = \"http\", path = \"/health\", status = 200, body = { contains = \"fine\" }",
    ) + &service("two", PORT + 1, "tcp", "type = \"http\", version = \"2\"")
        + &with_own_check(2);
    with_services(
        services,
        |lab, programs| {
            for number in 1..=3 {
                let ill = ill(lab, number);
                let servers = format!(
                    "server {{ listen {PORT} backlog=1024; keepalive_timeout 0;\n\
                     location = /health {{ if (-f {}) {{ return 503 ill; }} return 200 fine; }}\n\
                     location / {{ return 200 \"rs{number}\\n\"; }} }}\n\
                     server {{ listen {} http2; location / {{ return 200 two; }} }}",
                    ill.display(),
                    PORT + 1
                );
                nginx(lab, programs, number, &servers)?;
            }
            Ok(())
        },
        |lab, programs| {
            for number in 1..=3 {
                wait_up(lab, "pages", number)?;
                wait_up(lab, "two", number)?;
            }
            wait_up(lab, "own", 1)?;
            wait_state(lab, "own", 2, "down", "status 200")?;
            let spread = survey_names(lab)?;
            ensure!(spread.len() == 3, "{spread:?}");

            fs::write(ill(lab, 2), "")?;
            wait_state(lab, "pages", 2, "down", "status 503")?;
            wait_up(lab, "own", 2)?;
            // It still serves whoever asks it, and who asks the VIP does not get there.
            let spread = survey_names(lab)?;
            ensure!(!spread.contains(&"rs2".to_owned()), "{spread:?}");

            fs::remove_file(ill(lab, 2))?;
            wait_up(lab, "pages", 2)?;
            let spread = survey_names(lab)?;
            ensure!(spread.len() == 3, "{spread:?}");

            programs.kill(3);
            wait_state(lab, "pages", 3, "down", "nothing listens on the port")?;
            wait_state(lab, "two", 3, "down", "nothing listens on the port")?;
            let spread = survey_names(lab)?;
            ensure!(spread.len() == 2, "{spread:?}");
            Ok(())
        },
    );
}

/// The servers that answer clients.
fn survey_names(lab: &Lab) -> Result<Vec<String>> {
    let survey = survey(lab, PORT, 1)?;
    Ok(survey.spread().into_keys().map(str::to_owned).collect())
}
