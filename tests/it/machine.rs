//! The machine that it runs on: disks that are full, signals, clocks, proxies, certificates, and a
//! home that is not there.

mod bug;
mod clock;
mod disk;
mod forward;
mod home;
mod proxies;
mod signals;

use crate::support::proxy::Reply;

/// Who calls, as STS says it.
fn caller() -> Reply {
    let who = "<Arn>arn:aws:iam::111122223333:user/me</Arn><UserId>ME</\
               UserId><Account>111122223333</Account>";
    let body = format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult>{who}</GetCallerIdentityResult></\
         GetCallerIdentityResponse>"
    );
    Reply::Answer {
        status: 200,
        headers: &[("content-type", "text/xml")],
        body,
    }
}
