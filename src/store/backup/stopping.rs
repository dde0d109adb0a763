//! A reader that can be stopped, on a thread that cannot be cancelled.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Reads until `stop` is set.
pub(super) struct StoppableReader<'a, R> {
    pub from: R,
    pub stop: &'a AtomicBool,
}

impl<R: Read> Read for StoppableReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            // Not `Interrupted`, which is retried.
            return Err(io::Error::other("interrupted"));
        }
        self.from.read(buffer)
    }
}

/// Stops the reader when dropped, as on Ctrl-C.
#[derive(Debug, Default)]
pub(crate) struct StopWhenDropped(pub Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
