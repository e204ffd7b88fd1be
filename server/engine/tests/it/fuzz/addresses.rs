//! An address that was vetted is a public one, however it is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bolero::{TypeGenerator, check};
use domain::target::TargetUrl;
use engine::outbound::{Lookup, Outbound, Policy, Trust};
use url::Url;

use super::texts;

/// An address near one that is special: its network, and the rest at random.
#[derive(Debug, Clone, Copy, TypeGenerator)]
enum Address {
    V4(u32),
    Near4(u8, u32),
    V6(u128),
    Near6(u8, u128),
    /// IPv4 within IPv6: mapped, compatible, translated, tunnelled.
    Within(u8, u8, u32),
}

const SPECIAL_V4: [[u8; 4]; 12] = [
    [0, 0, 0, 0],
    [10, 0, 0, 0],
    [100, 64, 0, 0],
    [127, 0, 0, 1],
    [169, 254, 169, 254],
    [172, 16, 0, 0],
    [172, 31, 255, 255],
    [192, 168, 0, 0],
    [192, 0, 2, 1],
    [198, 18, 0, 0],
    [224, 0, 0, 0],
    [255, 255, 255, 255],
];
const SPECIAL_V6: [&str; 9] =
    ["::1", "fc00::", "fd00:ec2::254", "fe80::1", "ff02::1", "2001:db8::", "2001::", "fec0::", "100::"];
const V4_WITHIN_V6: [&str; 6] = ["::ffff:0:0", "::", "64:ff9b::", "64:ff9b:1::", "2002::", "2001::"];

impl Address {
    fn address(self) -> IpAddr {
        let special = |n: u8| u32::from_be_bytes(SPECIAL_V4[usize::from(n) % SPECIAL_V4.len()]);
        let network = |text: &str| u128::from(text.parse::<Ipv6Addr>().unwrap());
        match self {
            Self::V4(bits) => Ipv4Addr::from(bits).into(),
            Self::Near4(n, bits) => Ipv4Addr::from(special(n) ^ (bits & 0x3_ffff)).into(),
            Self::V6(bits) => Ipv6Addr::from(bits).into(),
            Self::Near6(n, bits) => {
                let near = network(SPECIAL_V6[usize::from(n) % SPECIAL_V6.len()]);
                Ipv6Addr::from(near ^ (bits & (u128::MAX >> 16))).into()
            }
            Self::Within(prefix, n, bits) => {
                let v4 = u128::from(special(n) ^ (bits & 0x3_ffff));
                let prefix = V4_WITHIN_V6[usize::from(prefix) % V4_WITHIN_V6.len()];
                let at = if prefix == "2002::" { 80 } else { 0 };
                Ipv6Addr::from(network(prefix) | v4 << at).into()
            }
        }
    }
}

/// Whether an address is public, as the standard library and the RFCs have it, not as our table has it.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_benchmark = a == 198 && (18..20).contains(&b);
            let is_special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_documentation();
            !(is_special || is_shared || is_benchmark || v4.is_multicast() || v4.is_broadcast() || a == 0 || a >= 240)
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            if let Some(v4) = v6.to_ipv4_mapped() {
                return is_public(v4.into());
            }
            let is_tunnel = a == 0x2002 || (a == 0x2001 && b == 0) || (a == 0x64 && b == 0xff9b && c <= 1);
            let is_documentation = a == 0x2001 && b == 0xdb8;
            let is_local = v6.is_unique_local() || v6.is_unicast_link_local() || a & 0xffc0 == 0xfec0;
            let is_compatible = v6.to_ipv4().is_some();
            !(is_tunnel || is_documentation || is_local || is_compatible || v6.is_multicast() || v6.is_loopback())
        }
    }
}

#[test]
fn no_address_that_is_allowed_is_private() {
    let policy = Policy::new(Vec::new());
    check!().with_type::<Address>().with_iterations(20_000).for_each(|address| {
        let address = address.address();
        assert!(!policy.allows(address) || is_public(address), "{address}");
    });
}

/// Vets URLs as when an endpoint is saved; every name has this address.
fn guard(address: Ipv4Addr) -> Outbound {
    let lookup: Lookup =
        std::sync::Arc::new(move |_| Box::pin(async move { Ok(vec![SocketAddr::new(address.into(), 0)]) }));
    let (own, public): (SocketAddr, Url) = ("127.0.0.1:3000".parse().unwrap(), "https://our.example".parse().unwrap());
    Outbound::new(Policy::new(Vec::new()), &public, own, Trust { lookup, roots: Vec::new() }).unwrap()
}

#[test]
fn a_url_that_was_vetted_names_a_public_address_however_it_is_written() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let guard = std::panic::AssertUnwindSafe((guard(Ipv4Addr::new(10, 0, 0, 1)), runtime));
    texts("urls", 2_000, |typed| {
        let Ok(target) = TargetUrl::parse(typed) else { return };
        let (guard, runtime) = &*guard;
        if runtime.block_on(guard.vet(&target)).is_ok() && !target.as_str().starts_with("https://our.example/") {
            let host = target.host();
            let address: IpAddr = host.trim_matches(['[', ']']).parse().expect("every name is private here");
            assert!(is_public(address), "{address}");
        }
    });
}
