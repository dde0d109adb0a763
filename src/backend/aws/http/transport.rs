//! Transport policy of requests: plain HTTP only to this machine, and never through a proxy, as in
//! Terraform.

use std::net::{IpAddr, Ipv6Addr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// To this machine or its credential endpoints: through a proxy, that would be another machine.
    Direct,
    /// To other hosts, over TLS.
    Elsewhere,
    /// Plain HTTP to another host: credentials and states could be intercepted.
    InTheClear,
}

impl Transport {
    /// A `signed` request is never sent unencrypted to a service; credential endpoints receive
    /// unsigned requests.
    pub(crate) fn of(url: &str, signed: bool) -> Self {
        match (is_plain(url), ip(url)) {
            (_, Some(ip)) if ip.is_loopback() => Self::Direct,
            (true, Some(ip)) if !signed && is_link_local(ip) => Self::Direct,
            (true, _) => Self::InTheClear,
            (false, _) => Self::Elsewhere,
        }
    }
}

/// TLS for all hosts, plain HTTP on this machine only.
pub(crate) fn is_safe(url: &str) -> bool {
    Transport::of(url, true) != Transport::InTheClear
}

/// Without path, query and user info, which may be secret.
pub(crate) fn endpoint(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    format!(
        "{scheme}://{}",
        authority.rsplit('@').next().unwrap_or_default()
    )
}

const PLAIN: &str = "http://";

pub(super) fn is_plain(url: &str) -> bool {
    url.get(..PLAIN.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PLAIN))
}

/// Returns the literal address; that of `localhost` is known.
fn ip(url: &str) -> Option<IpAddr> {
    let authority = url
        .split_once("://")?
        .1
        .split(['/', '\\', '?', '#'])
        .next()?;
    // `http://localhost:80@example.com` refers to example.com.
    if authority.contains('@') {
        return None;
    }
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    if host.eq_ignore_ascii_case("localhost") {
        Some(Ipv6Addr::LOCALHOST.into())
    } else {
        host.parse().ok()
    }
}

/// Link-local and loopback addresses are not routed.
fn is_link_local(ip: IpAddr) -> bool {
    /// The metadata addresses of instances and pods.
    const OF_EC2: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    ];
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => OF_EC2.contains(&ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        for (url, safe) in [
            ("https://example.com", true),
            ("http://localhost", true),
            ("http://localhost:4566/path", true),
            ("http://127.0.0.1:4566", true),
            ("http://127.8.8.8", true),
            ("http://[::1]:4566/", true),
            ("http://example.com", false),
            ("http://10.0.0.1", false),
            ("http://169.254.169.254", false),
            ("http://0.0.0.0:4566", false),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost@example.com", false),
            ("http://localhost:80@example.com", false),
            ("http://127.0.0.1:80@example.com/", false),
            ("HTTP://example.com", false),
            ("HTTP://LOCALHOST", true),
            ("http://example.com#@localhost", false),
            ("http://example.com\\@localhost", false),
            ("http://[2001:db8::1]/", false),
            ("http://", false),
        ] {
            assert_eq!(is_safe(url), safe, "{url}");
        }
    }

    #[test]
    fn an_endpoint_is_shown_without_secrets() {
        assert_eq!(
            endpoint("https://me:secret@example.com:8443/x?token=secret"),
            "https://example.com:8443"
        );
        assert_eq!(endpoint("http://[::1]:4566"), "http://[::1]:4566");
    }

    #[test]
    fn this_machine_is_asked_for_through_no_proxy() {
        for (url, signed, way) in [
            (
                "https://sts.eu-west-1.amazonaws.com/",
                true,
                Transport::Elsewhere,
            ),
            ("https://127.0.0.1:4566/", true, Transport::Direct),
            ("https://localhost:4566/", false, Transport::Direct),
            ("http://localhost:4566/", true, Transport::Direct),
            (
                "http://169.254.169.254/latest/api/token",
                false,
                Transport::Direct,
            ),
            (
                "http://169.254.170.2/v2/credentials",
                false,
                Transport::Direct,
            ),
            (
                "http://[fd00:ec2::254]/latest/api/token",
                false,
                Transport::Direct,
            ),
            (
                "http://[fd00:ec2::23]/v1/credentials",
                false,
                Transport::Direct,
            ),
            ("http://169.254.169.254/", true, Transport::InTheClear),
            ("http://[fd00:ec2::24]/", false, Transport::InTheClear),
            (
                "http://portal.sso.example.com/",
                false,
                Transport::InTheClear,
            ),
        ] {
            assert_eq!(Transport::of(url, signed), way, "{url}");
        }
    }
}
