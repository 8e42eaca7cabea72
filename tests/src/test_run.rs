//! Single frames through a program, without a network.

use anyhow::{Context, Result};
use aya::TestRun;
use aya::programs::{TestRunOptions, Xdp};

pub const XDP_PASS: u32 = 2;
pub const XDP_TX: u32 = 3;
pub const XDP_REDIRECT: u32 = 4;

/// What the program returns for a frame, and what it makes of it.
///
/// # Errors
/// The kernel refuses the run.
pub fn test_run(program: &mut Xdp, frame: &[u8]) -> Result<(u32, Vec<u8>)> {
    let mut out = vec![0; frame.len() + 64];
    let options = TestRunOptions {
        data_in: Some(frame),
        data_out: Some(&mut out),
        repeat: 1,
        ..TestRunOptions::default()
    };
    let result = program.test_run(options).context("a test run")?;
    out.truncate(result.data_size_out as usize);
    Ok((result.return_value, out))
}
