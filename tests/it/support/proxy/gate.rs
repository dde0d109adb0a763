//! A gate that calls wait at.

use std::sync::{Arc, Condvar, Mutex};

use super::PATIENCE;

/// Shut until somebody opens it.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<Way>, Condvar)>);

#[derive(Default)]
struct Way {
    open: bool,
    waiting: usize,
}

impl Gate {
    pub fn open(&self) {
        self.0.0.lock().expect("a gate").open = true;
        self.0.1.notify_all();
    }

    /// Waits until a call stands before it.
    pub fn wait_for_somebody(&self) {
        let way = self.0.0.lock().expect("a gate");
        let (way, _) = self.0.1.wait_timeout_while(way, PATIENCE, |way| way.waiting == 0).expect("a gate");
        assert!(way.waiting > 0, "nobody came");
    }

    pub fn pass(&self) {
        let mut way = self.0.0.lock().expect("a gate");
        way.waiting += 1;
        self.0.1.notify_all();
        drop(self.0.1.wait_while(way, |way| !way.open).expect("a gate"));
    }
}
