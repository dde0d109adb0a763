//! A reader that can be told to stop, where it runs on a thread that cannot be ended.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Reads until `stop` says so.
pub(super) struct StoppableReader<'a, R> {
    pub from: R,
    pub stop: &'a AtomicBool,
}

impl<R: Read> Read for StoppableReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            // Not `Interrupted`, which is tried again.
            return Err(io::Error::other("interrupted"));
        }
        self.from.read(buffer)
    }
}

/// Stops what reads when it is dropped, as on Ctrl-C.
#[derive(Debug, Default)]
pub struct StopWhenDropped(pub Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
