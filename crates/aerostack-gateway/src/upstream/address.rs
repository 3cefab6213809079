//! Which addresses an upstream may have, decided on what a name resolved to, just before connecting:
//! a name that points elsewhere on the second look gains nothing.
//!
//! Link-local addresses, where clouds keep their metadata services, are refused to everybody. Loopback
//! and private networks are for operators' servers and for networks the installation allows.
//! Addresses that carry another one inside (IPv4-mapped, NAT64, 6to4 …) are judged by that one as well.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use tower_service::Service;
use url::{Host, Url};

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// An operator's.
    Operator,
    /// Anybody else's.
    Anybody,
}

/// An address no server of that owner may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressRefused {
    #[error(
        "its address is link-local, a metadata service's or not of one host; such addresses are never allowed"
    )]
    Never,
    #[error("its address is in a private network that is not allowed (AEROSTACK_UPSTREAM_ALLOW)")]
    Private,
    #[error("its URL has no host")]
    NoHost,
}

/// Refused to everybody.
const NEVER: [IpNet; 11] = [
    v4([0, 0, 0, 0], 32),
    v4([169, 254, 0, 0], 16),
    v4([224, 0, 0, 0], 4),
    v4([255, 255, 255, 255], 32),
    // Metadata services outside the link-local range: Alibaba, Oracle, Azure's wire server, AWS over IPv6.
    v4([100, 100, 100, 200], 32),
    v4([192, 0, 0, 192], 32),
    v4([168, 63, 129, 16], 32),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128),
];

/// Refused to servers that are not an operator's, unless the installation allows the network.
const PRIVATE: [IpNet; 14] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([240, 0, 0, 0], 4),
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    // NAT64 prefixes of one's own network.
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
];

const fn v4(octets: [u8; 4], prefix_len: u8) -> IpNet {
    let [a, b, c, d] = octets;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix_len))
}

const fn v6(segments: [u16; 8], prefix_len: u8) -> IpNet {
    let [a, b, c, d, e, f, g, h] = segments;
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix_len))
}

/// What the installation allows to servers of one kind of owner.
#[derive(Clone, Debug)]
pub(super) struct AddressPolicy {
    trust: Trust,
    allow: Arc<[IpNet]>,
}

impl AddressPolicy {
    pub(super) fn new(trust: Trust, allow: &[IpNet]) -> Self {
        Self { trust, allow: allow.into() }
    }

    /// Judges an address.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), AddressRefused> {
        let address = address.to_canonical();
        let carried = carried_within(address).map(IpAddr::V4);
        for address in [Some(address), carried].into_iter().flatten() {
            if NEVER.iter().any(|net| net.contains(&address)) {
                return Err(AddressRefused::Never);
            }
            let allowed =
                || self.trust == Trust::Operator || self.allow.iter().any(|net| net.contains(&address));
            if PRIVATE.iter().any(|net| net.contains(&address)) && !allowed() {
                return Err(AddressRefused::Private);
            }
        }
        Ok(())
    }

    /// Judges a URL whose host is an address: no resolver sees those.
    pub(super) fn check_url(&self, url: &Url) -> Result<(), AddressRefused> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(address.into()),
            Some(Host::Ipv6(address)) => self.check(address.into()),
            Some(Host::Domain(_)) => Ok(()),
            None => Err(AddressRefused::NoHost),
        }
    }
}

/// The IPv4 address an IPv6 address leads to: IPv4-compatible, NAT64, 6to4 and Teredo's server.
fn carried_within(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let pair = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        // `::1` and `::` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(pair(high, low)),
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(pair(high, low)),
        [0x2002, high, low, ..] | [0x2001, 0, high, low, ..] => Some(pair(high, low)),
        _ => None,
    }
}

/// Resolves names and leaves out what the policy refuses.
#[derive(Clone)]
pub(super) struct Resolver(pub(super) AddressPolicy);

type Resolving = Pin<Box<dyn Future<Output = Result<std::vec::IntoIter<SocketAddr>, BoxError>> + Send>>;
type BoxError = Box<dyn Error + Send + Sync>;

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Resolving;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut refused = None;
            let mut allowed = Vec::with_capacity(found.len());
            for address in found {
                match policy.check(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(reason) => refused = Some(reason),
                }
            }
            match refused {
                Some(reason) if allowed.is_empty() => Err(reason.into()),
                _ => Ok(allowed.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn verdicts(address: &str) -> [Result<(), AddressRefused>; 3] {
        let allow = [IpNet::from_str("10.1.0.0/16").unwrap(), IpNet::from_str("fd12::/16").unwrap()];
        let address = IpAddr::from_str(address).unwrap();
        [(Trust::Operator, &[][..]), (Trust::Anybody, &allow[..]), (Trust::Anybody, &[][..])]
            .map(|(trust, allow)| AddressPolicy::new(trust, allow).check(address))
    }

    #[test]
    fn public_addresses_are_for_everybody() {
        for address in ["8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::808:808", "2002:808:808::"]
        {
            assert_eq!(verdicts(address), [Ok(()); 3], "{address}");
        }
    }

    #[test]
    fn link_local_and_metadata_addresses_are_for_nobody() {
        let addresses = [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "0.0.0.0",
            "::",
            "::ffff:0.0.0.0",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ];
        for address in addresses {
            assert_eq!(verdicts(address), [Err(AddressRefused::Never); 3], "{address}");
        }
    }

    #[test]
    fn private_addresses_are_for_operators() {
        let private = Err(AddressRefused::Private);
        let addresses = [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "0.1.2.3",
            "192.0.0.8",
            "198.19.0.1",
            "fc00::1",
            "fdff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "240.0.0.1",
        ];
        for address in addresses {
            assert_eq!(verdicts(address), [Ok(()), private, private], "{address}");
        }
    }

    #[test]
    fn an_allowed_network_is_for_everybody() {
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::5"] {
            assert_eq!(verdicts(address), [Ok(()), Ok(()), Err(AddressRefused::Private)], "{address}");
        }
    }

    #[test]
    fn a_url_with_an_address_is_judged_without_resolving() {
        let policy = AddressPolicy::new(Trust::Anybody, &[]);
        let check = |url: &str| policy.check_url(&Url::parse(url).unwrap());
        assert_eq!(check("http://127.0.0.1/"), Err(AddressRefused::Private));
        assert_eq!(check("http://2130706433/"), Err(AddressRefused::Private));
        assert_eq!(check("http://0x7f.1/"), Err(AddressRefused::Private));
        assert_eq!(check("http://[::ffff:169.254.169.254]/"), Err(AddressRefused::Never));
        assert_eq!(check("http://example.com/"), Ok(()));
        assert_eq!(check("data:x"), Err(AddressRefused::NoHost));
    }

    #[tokio::test]
    async fn a_name_that_leads_only_to_refused_addresses_is_refused() {
        let resolve = |trust| Resolver(AddressPolicy::new(trust, &[])).call("localhost".parse().unwrap());
        assert!(resolve(Trust::Operator).await.is_ok_and(|mut addresses| addresses.next().is_some()));
        let refused = resolve(Trust::Anybody).await.err().unwrap().to_string();
        assert_eq!(refused, AddressRefused::Private.to_string());
    }
}
