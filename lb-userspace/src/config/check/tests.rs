//! Whole files: what they mean, and what is said about wrong ones.

use proptest::prelude::*;

use super::*;

mod checks;
mod file;
mod global;
mod groups;
mod ipv6;
mod notify;
mod policy;
mod scheduling;
mod service;
mod timing;
mod track;
mod values;
mod via;
mod virtual_router;
mod vrrp;

/// A wrong snippet, and what is said: one line `LINE:COLUMN message | hint` for each error.
type Row = (&'static str, &'static str);

const INSTANCE: &str = r#"[[vrrp]]
name = "VI_1"
interface = "eth0"
virtual_router_id = 51
addresses = ["192.0.2.10/24"]
"#;

/// The same services of IPv6.
const INSTANCE_V6: &str = r#"[[vrrp]]
name = "VI_1"
interface = "eth0"
virtual_router_id = 51
addresses = ["2001:db8::10/64"]
"#;

const SERVICE_V6: &str = r#"[[service]]
name = "web"
address = "[2001:db8::10]:80"
"#;

const ALL_OF_VRRP: &str = include_str!("../../../../examples/vrrp.toml");

const SERVICE: &str = r#"[[service]]
name = "web"
address = "192.0.2.10:80"
"#;

fn said(text: &str) -> String {
    let Err(errors) = parse(Path::new("lvx.toml"), text) else {
        return String::new();
    };
    let lines = errors.iter().map(|d| {
        let hint = d.hint.as_ref().map(|hint| format!(" | {hint}"));
        let hint = hint.unwrap_or_default();
        format!("{}:{} {}{hint}", d.line, d.column, d.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `block` with the lines of `snippet`: in the place of the line with the same key, else behind.
fn overlay(block: &str, snippet: &str) -> String {
    let key = |line: &str| line.split_once(" =").map(|(key, _)| key.to_owned());
    let mut lines: Vec<&str> = block.lines().collect();
    for line in snippet.lines() {
        let same = |other: &&str| key(other).is_some() && key(other) == key(line);
        match lines.iter().position(same) {
            Some(at) if !snippet.contains("[[") => lines[at] = line,
            Some(_) | None => lines.push(line),
        }
    }
    lines.join("\n") + "\n"
}

fn check_rows(rows: &[Row], text: impl Fn(&str) -> String) {
    let mut wrong = String::new();
    for (snippet, expected) in rows {
        let said = said(&text(snippet));
        if said != *expected {
            wrong += &format!("--- {snippet}\n{said}\n");
        }
    }
    assert!(wrong.is_empty(), "what was said instead:\n{wrong}");
}

#[test]
fn wrong_files() {
    check_rows(file::ROWS, str::to_owned);
}

#[test]
fn wrong_globals() {
    check_rows(global::ROWS, |snippet| format!("[global]\n{snippet}\n"));
}

#[test]
fn wrong_instances() {
    check_rows(vrrp::ROWS, |snippet| overlay(INSTANCE, snippet));
}

#[test]
fn wrong_tracks() {
    check_rows(track::ROWS, |snippet| overlay(INSTANCE, snippet));
}

#[test]
fn wrong_groups() {
    check_rows(groups::ROWS, str::to_owned);
}

#[test]
fn wrong_services() {
    check_rows(service::ROWS, |snippet| {
        INSTANCE.to_owned() + &overlay(SERVICE, snippet)
    });
}

#[test]
fn wrong_ipv6_services() {
    check_rows(ipv6::ROWS, |snippet| {
        INSTANCE_V6.to_owned() + &overlay(SERVICE_V6, snippet)
    });
}

#[test]
fn wrong_targets() {
    check_rows(notify::ROWS, |snippet| {
        format!("[[notify]]\nname = \"t\"\n{snippet}\n")
    });
}

#[test]
fn wrong_checks() {
    check_rows(checks::ROWS, |snippet| {
        format!("{INSTANCE}{SERVICE}[service.check]\n{snippet}\n")
    });
}

#[test]
fn wrong_schedulings() {
    check_rows(scheduling::ROWS, |snippet| {
        INSTANCE.to_owned() + &overlay(SERVICE, snippet)
    });
}

#[test]
fn wrong_timings() {
    check_rows(timing::ROWS, |snippet| {
        INSTANCE.to_owned() + &overlay(SERVICE, snippet)
    });
}

#[test]
fn there_are_enough_rows() {
    let all = [
        file::ROWS,
        global::ROWS,
        vrrp::ROWS,
        track::ROWS,
        groups::ROWS,
        ipv6::ROWS,
        service::ROWS,
        checks::ROWS,
        scheduling::ROWS,
        timing::ROWS,
    ];
    assert!(all.iter().map(|rows| rows.len()).sum::<usize>() >= 150);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}|(?s:.{0,200})") {
        prop_assert!(!said(&text).contains("not understood"));
    }

    /// Bits of real files in any order reach further than random characters.
    #[test]
    fn shuffled_files_never_panic(parts in prop::collection::vec(any::<prop::sample::Index>(), 0..30)) {
        let pieces: Vec<&str> = file::TEN_ERRORS
            .split_inclusive([' ', '\n', '"', '=', ']'])
            .chain(ALL_OF_VRRP.split_inclusive([' ', '\n', '"', '=', ']']))
            .chain(["é", "\t", "\r\n", "\u{feff}", "password = \"x", "-1", "1e9"])
            .collect();
        let text: String = parts.iter().map(|at| *at.get(&pieces)).collect();
        if let Err(errors) = parse(Path::new("lvx.toml"), &text) {
            prop_assert!(!errors.to_string().contains("not understood"));
        }
    }

    /// Lines less than in a whole file, and words of it twice or in each other's place: what is
    /// wrong then has always been said.
    #[test]
    fn edited_files_are_understood(
        gone in prop::collection::btree_set(0..60_usize, 0..6),
        swapped in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..4),
    ) {
        let kept = ALL_OF_VRRP.lines().enumerate().filter(|(i, _)| !gone.contains(i));
        let text: String = kept.map(|(_, line)| format!("{line}\n")).collect();
        let mut words: Vec<&str> = text.split_inclusive([' ', '\n', ',']).collect();
        for (to, from) in swapped {
            let word = *from.get(&words);
            let place = to.index(words.len());
            words[place] = word;
        }
        prop_assert!(!said(&words.concat()).contains("not understood"));
    }

    /// A line less than in a whole file: what is wrong then has always been said.
    #[test]
    fn missing_lines_are_understood(gone in prop::collection::btree_set(0..19_usize, 0..12)) {
        let kept = file::TEN_ERRORS.lines().enumerate().filter(|(i, _)| !gone.contains(i));
        let text: String = kept.map(|(_, line)| format!("{line}\n")).collect();
        prop_assert!(!said(&text).contains("not understood"));
    }
}
