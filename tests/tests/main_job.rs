//! The points of the main job, each on a lab of its own.

use lb_tests::harness::with_lab;
use lb_tests::steps;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");

/// Shows a step's figures with `--nocapture`.
fn show(figures: &str) {
    eprintln!("{figures}");
}

#[test]
fn each_client_has_the_server_that_where_names() {
    with_lab(DEMO, |lab| {
        show(&steps::spread(lab)?);
        Ok(())
    });
}

#[test]
fn a_dead_server_is_left_out_and_used_again_when_it_is_back() {
    with_lab(DEMO, |lab| {
        show(&steps::server_dies(lab)?);
        show(&steps::server_returns(lab)?);
        Ok(())
    });
}

#[test]
fn the_backup_takes_over_in_time_connections_survive_and_the_old_master_preempts() {
    with_lab(DEMO, |lab| {
        let (failover, held) = steps::host_dies(lab);
        show(&failover?);
        show(&held?);
        show(&steps::host_returns(lab)?);
        Ok(())
    });
}

#[test]
fn a_killed_daemon_costs_no_request_and_neither_does_its_next_start() {
    with_lab(DEMO, |lab| {
        show(&steps::daemon_killed(lab)?);
        Ok(())
    });
}

#[test]
fn a_clean_stop_is_quick_and_leaves_nothing() {
    with_lab(DEMO, |lab| {
        show(&steps::stopped_cleanly(lab)?);
        Ok(())
    });
}

#[test]
fn reloads_cost_no_request_and_a_broken_file_changes_nothing() {
    with_lab(DEMO, |lab| {
        show(&steps::reloads(lab)?);
        Ok(())
    });
}
