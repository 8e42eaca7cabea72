//! HTTPS with an authority of one's own: the right name, another name, and no TLS at all.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lb_tests::netns::output_of;

use super::{
    Programs, from_clients, has, http::nginx, service, wait_state, wait_up, with_services,
};
use lb_tests::client::{TIMEOUT, connect};
use lb_tests::lab::Lab;

const PORT: u16 = 8443;

fn openssl(dir: &Path, arguments: &str) -> Result<()> {
    let mut command = Command::new("openssl");
    command.current_dir(dir).args(arguments.split(' '));
    output_of(&mut command).map(drop)
}

/// An authority, and certificates of these names by it, in files of these names.
fn certify(dir: &Path, names: &[&str]) -> Result<()> {
    const NEW: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        dir,
        &format!("req -x509 {NEW} -keyout ca.key -out ca.pem -days 30 -subj /CN=lab"),
    )?;
    for name in names {
        fs::write(
            dir.join("ext"),
            format!("subjectAltName = DNS:{name}\nbasicConstraints = CA:FALSE\n"),
        )?;
        openssl(
            dir,
            &format!("req {NEW} -keyout {name}.key -out {name}.csr -subj /CN={name}"),
        )?;
        openssl(
            dir,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 5 \
                 -extfile ext -out {name}.pem"
            ),
        )?;
    }
    Ok(())
}

fn serve(lab: &Lab, programs: &Programs, number: u8, name: &str) -> Result<()> {
    let dir = lab.dir().display();
    let tls = format!("ssl_certificate {dir}/{name}.pem; ssl_certificate_key {dir}/{name}.key;");
    let body = format!("location / {{ return 200 rs{number}; }}");
    let servers = format!(
        "server {{ listen {PORT} ssl; {tls} {body} }}\n\
         server {{ listen {} ssl http2; {tls} {body} }}",
        PORT + 1
    );
    nginx(lab, programs, number, &servers)
}

#[test]
fn a_certificate_of_another_name_takes_a_server_down() {
    if !has("openssl") {
        return;
    }
    // The lab's directory is known only when it is there; the file must be before the daemon.
    let ca = std::env::temp_dir().join(format!("lvx-checks-ca-{}.pem", std::process::id()));
    let tls = format!(
        "sni = \"www.example.com\", ca = {:?}",
        ca.display().to_string()
    );
    let services = service("secure", PORT, "tcp", &format!("type = \"https\", {tls}"))
        + &service(
            "secure2",
            PORT + 1,
            "tcp",
            &format!("type = \"https\", version = \"2\", {tls}"),
        );
    with_services(
        services,
        |lab, programs| {
            certify(lab.dir(), &["www.example.com", "other.example.com"])?;
            fs::copy(lab.dir().join("ca.pem"), &ca).context("the authority")?;
            serve(lab, programs, 1, "www.example.com")?;
            serve(lab, programs, 2, "other.example.com")?;
            // What speaks HTTP where TLS is wanted.
            let plain = |port| format!("server {{ listen {port}; }}\n");
            nginx(lab, programs, 3, &(plain(PORT) + &plain(PORT + 1)))
        },
        |lab, programs| {
            for name in ["secure", "secure2"] {
                wait_up(lab, name, 1)?;
                wait_state(lab, name, 2, "down", "www.example.com")?;
                wait_state(lab, name, 3, "down", "TLS with")?;
            }
            let good = wait_state(lab, "secure", 1, "up", "")?;
            ensure!(good["certificate_expires"].is_u64(), "{good}");
            let warnings = good["warnings"].as_array().context("warnings")?;
            ensure!(warnings.len() == 1, "it expires in five days: {warnings:?}");
            // All clients reach the one that is up: it alone has that certificate.
            let connected = from_clients(lab, PORT, |client, to| connect(client, to, TIMEOUT))?;
            ensure!(connected.len() == 30);

            programs.kill(2);
            serve(lab, programs, 2, "www.example.com")?;
            wait_up(lab, "secure", 2)?;
            wait_up(lab, "secure2", 2)
        },
    );
    // It is there only if the lab was.
    let _ = fs::remove_file(ca);
}
