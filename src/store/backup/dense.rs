//! Detects decompression bombs while they are unpacked.

use std::{
    cell::Cell,
    io::{self, Read},
};

/// The size that is always allowed: a backup of one small state consists mostly of zeros of its
/// archive.
const FREE: u64 = 16 << 20;
/// The number of packed bytes that are read at once: bytes that are read ahead count, but are not
/// unpacked yet.
const PIECE: usize = 4 << 10;

/// The number of packed bytes, and whether their ratio was too high.
#[derive(Debug, Default)]
pub(super) struct PackedCount {
    read: Cell<u64>,
    too_dense: Cell<bool>,
}

impl PackedCount {
    pub(super) fn counting<R: Read>(&self, from: R) -> CountingReader<'_, R> {
        CountingReader { from, packed: self }
    }

    pub(super) fn is_too_dense(&self) -> bool {
        self.too_dense.get()
    }
}

/// Counts packed bytes and returns them in small pieces.
pub(super) struct CountingReader<'p, R> {
    from: R,
    packed: &'p PackedCount,
}

impl<R: Read> Read for CountingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(PIECE);
        let read = self.from.read(&mut buffer[..most])?;
        self.packed.read.set(self.packed.read.get() + read as u64);
        Ok(read)
    }
}

/// Returns unpacked bytes, until there are more than `ratio` for each packed byte.
pub(super) struct DensityLimit<'p, R> {
    from: R,
    packed: &'p PackedCount,
    ratio: u64,
    given: u64,
}

impl<'p, R: Read> DensityLimit<'p, R> {
    pub(super) fn new(from: R, packed: &'p PackedCount, ratio: u64) -> Self {
        Self {
            from,
            packed,
            ratio,
            given: 0,
        }
    }
}

impl<R: Read> Read for DensityLimit<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.given += read as u64;
        if self.given > FREE.saturating_add(self.packed.read.get().saturating_mul(self.ratio)) {
            self.packed.too_dense.set(true);
            return Err(io::Error::other("too dense"));
        }
        Ok(read)
    }
}
