//! Clients that come back get the server that they had.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use lb_common::maglev::TableSize;
use lb_tests::client::Survey;
use lb_tests::echo::greetings;
use lb_tests::harness::with_one_director;
use lb_tests::lab::topology::server_address;
use lb_tests::lab::{ECHO_PORT, Lab};
use lb_userspace::dataplane::maglev::{self, Member};

use super::{DEMO, holders, newcomers, plan, reload, wait_greeted};

/// Who is on which server by the table alone.
fn computed(lab: &Lab, clients: &[Ipv4Addr]) -> Result<Survey> {
    let servers = &lab.plan().servers;
    let member = |&(number, weight): &(u8, u16)| Member {
        address: server_address(number).into(),
        port: ECHO_PORT,
        weight,
    };
    let members: Vec<Member> = servers.iter().map(member).collect();
    let table = maglev::fill(&members, TableSize::DEFAULT);
    let server_of = |client: Ipv4Addr| {
        let slot = maglev::client_slot(client.into(), TableSize::DEFAULT);
        let (number, _) = servers[table[slot as usize]?];
        Some((client, format!("rs{number}")))
    };
    let found: Option<BTreeMap<_, _>> = clients.iter().map(|client| server_of(*client)).collect();
    found.map(Survey::new).context("an empty table")
}

#[test]
fn a_client_that_comes_back_after_a_change_of_weights_gets_its_server() {
    with_one_director(DEMO, &plan(r#"persistence = { timeout = "1m" }"#), |lab| {
        let before = greetings(lab, &holders())?;
        ensure!(before == computed(lab, &holders())?, "not by the table");
        reload(lab, &[(1, 1), (2, 1), (3, 9)])?;
        let by_table = computed(lab, &holders())?;
        let tempted = before.moved(&by_table).len();
        ensure!(tempted > 5, "the change would move {tempted} alone");

        // Those that never came before go by the new table.
        let fresh = newcomers();
        let (first, rest) = fresh.split_at(1);
        ensure!(!rest.is_empty());
        lab.directors[0].wait_server(server_address(3), true)?;
        let expected = computed(lab, rest)?;
        let seen = wait_greeted(lab, rest, |_| true)?;
        ensure!(seen == expected, "{:?}", seen.moved(&expected));
        greetings(lab, first)?;

        let after = greetings(lab, &holders())?;
        ensure!(after == before, "{:?}", before.moved(&after));
        for (client, address) in clients_of(lab, &after)? {
            let said = lab.directors[0].where_is("echo", client)?;
            ensure!(said == Some(address), "{client}: {said:?}");
        }
        Ok(())
    });
}

fn clients_of(lab: &Lab, survey: &Survey) -> Result<Vec<(Ipv4Addr, Ipv4Addr)>> {
    let found = lab.servers.iter().filter_map(|server| {
        let client = survey.client_of(&server.name())?;
        Some((client, server.address()))
    });
    let found: Vec<_> = found.collect();
    ensure!(found.len() == 3, "{found:?}");
    Ok(found)
}
