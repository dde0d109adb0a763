//! A gate that calls wait at.

use std::{
    pin::pin,
    sync::{Arc, Condvar, Mutex},
};

use tokio::sync::Notify;

use super::PATIENCE;

/// Shut until somebody opens it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Shared>);

#[derive(Default)]
struct Shared {
    way: Mutex<Way>,
    /// For the tests, which block.
    changed: Condvar,
    /// For the calls that wait.
    opened: Notify,
}

#[derive(Default)]
struct Way {
    open: bool,
    waiting: usize,
}

impl Gate {
    pub(crate) fn open(&self) {
        self.0.way.lock().expect("a gate").open = true;
        self.0.changed.notify_all();
        self.0.opened.notify_waiters();
    }

    /// Waits until a call stands before it.
    pub(crate) fn wait_for_a_caller(&self) {
        let way = self.0.way.lock().expect("a gate");
        let (way, _) = self
            .0
            .changed
            .wait_timeout_while(way, PATIENCE, |way| way.waiting == 0)
            .expect("a gate");
        assert!(way.waiting > 0, "nobody came");
    }

    /// Waits until it is open.
    pub(super) async fn passed(&self) {
        // From here on it hears of the opening, which may come before it waits.
        let mut opened = pin!(self.0.opened.notified());
        opened.as_mut().enable();
        let open = {
            let mut way = self.0.way.lock().expect("a gate");
            way.waiting += 1;
            self.0.changed.notify_all();
            way.open
        };
        if !open {
            opened.await;
        }
    }
}
