//! What a lab needs to be told.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

/// The programs a lab runs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `LVX_BIN`.
    pub lvx: PathBuf,
    /// `LVX_NGINX`, else nginx of `PATH`.
    pub nginx: PathBuf,
    /// `lvx-demo`, which has the echo server in it.
    pub demo: PathBuf,
}

impl Programs {
    /// # Errors
    /// `LVX_BIN` is not set.
    pub fn from_environment(demo: &Path) -> Result<Self> {
        let lvx = env::var_os("LVX_BIN")
            .ok_or_else(|| anyhow!("LVX_BIN is not set; `cargo xtask demo` and `test` set it"))?;
        Ok(Self {
            lvx: lvx.into(),
            nginx: env::var_os("LVX_NGINX")
                .unwrap_or_else(|| "nginx".into())
                .into(),
            demo: demo.to_owned(),
        })
    }
}
