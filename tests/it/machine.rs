//! The machine that it runs on: disks that are full, signals, clocks, proxies, certificates, and a
//! home that is not there.

mod bug;
mod clock;
mod disk;
mod forward;
mod home;
mod proxies;
mod signals;
