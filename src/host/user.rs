//! The user and host in the format of Terraform locks: `user@host`.
//!
//! As Go does (`os/user` without C, `os.Hostname`): the name that `/etc/passwd` has for this user,
//! else `USER`; unknown parts are left empty.

use std::env;

pub fn who() -> String {
    format!("{}@{}", user(), host())
}

#[cfg(unix)]
fn user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let known = std::fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|passwd| named(&passwd, uid).map(str::to_owned));
    known.unwrap_or_else(|| env::var("USER").unwrap_or_default())
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Returns whether a file of the user `owner` is as good as one's own: it is, or it is root's, or,
/// under
/// `sudo`, that of the user whom `SUDO_UID` names.
#[cfg(unix)]
pub fn is_trusted(owner: u32, sudo_uid: Option<&str>) -> bool {
    let uid = rustix::process::geteuid().as_raw();
    owner == uid
        || owner == 0
        || (uid == 0 && sudo_uid.is_some_and(|sudo| sudo.parse() == Ok(owner)))
}

#[cfg(not(unix))]
fn user() -> String {
    env::var("USERNAME").unwrap_or_default()
}

#[cfg(not(unix))]
fn host() -> String {
    env::var("COMPUTERNAME").unwrap_or_default()
}

/// The name of a user in `/etc/passwd`.
#[cfg(unix)]
fn named(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields
            .next()
            .filter(|name| !name.is_empty() && !name.starts_with(['#', '+', '-']))?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_name_by_its_number() {
        let passwd = "# all\nroot:x:0:0:root:/root:/bin/sh\n+nis:x:7::::\n:x:7::::\nci:x:1001:\
                      1001::/home/ci:/bin/sh\nci2:x:1001::::\nshort:x\n";
        assert_eq!(
            [0, 1001, 7, 4].map(|uid| named(passwd, uid)),
            [Some("root"), Some("ci"), None, None]
        );
        assert!(who().contains('@') && !who().ends_with('@'), "{}", who());
    }

    #[test]
    fn ones_own_files_and_those_of_root_are_trusted() {
        let uid = rustix::process::geteuid().as_raw();
        assert!(is_trusted(uid, None) && is_trusted(0, None) && !is_trusted(65533, None));
        assert_eq!(
            (
                is_trusted(65533, Some("65533")),
                is_trusted(65533, Some("x"))
            ),
            (uid == 0, false)
        );
    }
}
