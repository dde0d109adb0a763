//! The process that calls, which a rule may end in the middle of a call.

use std::{
    process::Command,
    sync::{Arc, Condvar, Mutex},
};

use super::PATIENCE;

/// Not known before it was started, which is after the proxy was.
#[derive(Clone, Default)]
pub(crate) struct Client(Arc<(Mutex<Option<u32>>, Condvar)>);

impl Client {
    pub(crate) fn is(&self, pid: u32) {
        *self.0.0.lock().expect("a pid") = Some(pid);
        self.0.1.notify_all();
    }

    /// As `kill -9` does: nothing of it is left to tidy up.
    pub(super) fn kill(&self) {
        let pid = self.0.0.lock().expect("a pid");
        let (pid, _) = self
            .0
            .1
            .wait_timeout_while(pid, PATIENCE, |pid| pid.is_none())
            .expect("a pid");
        let pid = pid.expect("nobody said who calls").to_string();
        assert!(
            Command::new("kill")
                .args(["-9", &pid])
                .status()
                .expect("kill")
                .success()
        );
    }
}
