//! How much of this node's memory an endpoint may use: a share of what is free, so that any number of full endpoints
//! leaves something for the next.
//!
//! Each endpoint may use one part in [`PARTS`] of the free memory. The more endpoints are full, the less each of them
//! gets, and the last part always stays free for endpoints that have nothing in memory. An endpoint's first delivery may
//! exceed its share.

use super::limits::{LEASED_MAX, LEASED_MAX_BYTES, LEASED_PER_ENDPOINT_MAX};

/// An endpoint may use one part in this many of what is free.
const PARTS: usize = 8;
/// The same for the bytes of an endpoint's first delivery: large ones leave room for the first of others.
const FIRST_PARTS: usize = 4;
/// Assumed size of payloads before any was seen, so that the first claim does not fetch many that do not fit.
pub(super) const UNKNOWN_BYTES: usize = 64 * 1_024;

/// Deliveries in memory, in flight or reserved, and the bytes of their payloads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Deliveries.
    pub deliveries: usize,
    /// Bytes of payload. A payload that several deliveries share counts for each.
    pub bytes: usize,
}

/// Where deliveries come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// They were accepted just now, or follow one that has ended.
    Fresh,
    /// They wait in the database. They leave a quarter of an endpoint's share to fresh ones, which would otherwise wait
    /// behind all of them.
    Database,
}

impl Load {
    /// Adds a delivery.
    pub(super) const fn add(&mut self, bytes: usize) {
        self.deliveries += 1;
        self.bytes += bytes;
    }

    /// Removes a delivery.
    pub(super) const fn remove(&mut self, bytes: usize) {
        self.deliveries = self.deliveries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// What this load leaves free.
    pub(super) const fn free(self) -> Self {
        Self {
            deliveries: LEASED_MAX.saturating_sub(self.deliveries),
            bytes: LEASED_MAX_BYTES.saturating_sub(self.bytes),
        }
    }

    /// The most that an endpoint may have while this much is free.
    fn share(self, source: Source) -> Self {
        let of = |free: usize| if source == Source::Fresh { free / PARTS } else { free / PARTS * 3 / 4 };
        let most = if source == Source::Fresh { LEASED_PER_ENDPOINT_MAX } else { LEASED_PER_ENDPOINT_MAX * 3 / 4 };
        Self { deliveries: of(self.deliveries).min(most), bytes: of(self.bytes) }
    }

    const fn fits_first(self, bytes: usize) -> bool {
        self.deliveries > 0 && bytes <= self.bytes / FIRST_PARTS
    }
}

/// Whether another delivery of this many bytes fits, given the load of its endpoint and of all.
pub(super) fn fits(own: Load, all: Load, bytes: usize, source: Source) -> bool {
    let (free, share) = (all.free(), all.free().share(source));
    if own.deliveries == 0 {
        free.fits_first(bytes)
    } else {
        own.deliveries < share.deliveries && own.bytes + bytes <= share.bytes
    }
}

/// How many deliveries from the database fit, if each has this many bytes.
pub(super) fn claimable(own: Load, all: Load, bytes: usize) -> usize {
    let (free, share) = (all.free(), all.free().share(Source::Database));
    // What is claimed makes the share smaller, too.
    let left = |share: usize, own: usize| share.saturating_sub(own) * PARTS / (PARTS + 1);
    let fit = left(share.deliveries, own.deliveries).min(left(share.bytes, own.bytes) / bytes.max(1));
    if own.deliveries == 0 { fit.max(usize::from(free.fits_first(bytes))) } else { fit }
}

/// Whether it is worth claiming more deliveries of an endpoint: half of its share is free.
pub(super) fn is_open(own: Load, all: Load, bytes: usize) -> bool {
    let (free, share) = (all.free(), all.free().share(Source::Database));
    if own.deliveries == 0 {
        free.fits_first(bytes)
    } else {
        own.deliveries * 2 <= share.deliveries && own.bytes * 2 <= share.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::EVENT_BODY_MAX_BYTES;

    /// This many endpoints use what they can get: the load of each and of all.
    fn filled(endpoints: usize, bytes: usize, source: Source) -> (Vec<Load>, Load) {
        let (mut own, mut all) = (vec![Load::default(); endpoints], Load::default());
        for _ in 0..LEASED_MAX {
            let before = all;
            for own in own.iter_mut() {
                if fits(*own, all, bytes, source) {
                    own.add(bytes);
                    all.add(bytes);
                }
            }
            if all == before {
                break;
            }
        }
        (own, all)
    }

    #[test]
    fn however_many_endpoints_are_full_the_next_one_gets_room() {
        for (endpoints, bytes) in [(1, 240_000), (1, 300), (40, 300), (40, 240_000), (1_000, 300), (5_000, 300)] {
            let (own, all) = filled(endpoints, bytes, Source::Fresh);
            assert!(all.deliveries <= LEASED_MAX && all.bytes <= LEASED_MAX_BYTES);
            assert!(own.iter().all(|own| own.deliveries > 0), "{endpoints} of {bytes} bytes");
            assert!(fits(Load::default(), all, 300, Source::Fresh), "{endpoints} of {bytes} bytes");
        }
    }

    #[test]
    fn large_first_deliveries_leave_room_for_small_ones() {
        let (own, all) = filled(1_000, EVENT_BODY_MAX_BYTES, Source::Fresh);
        assert!(own.iter().filter(|own| own.deliveries > 0).count() > 200 && all.bytes <= LEASED_MAX_BYTES);
        assert!(fits(Load::default(), all, 4_096, Source::Database));
    }

    #[test]
    fn deliveries_from_the_database_leave_room_for_fresh_ones() {
        let (own, all) = filled(1, 300, Source::Database);
        assert_eq!((own[0].deliveries, is_open(own[0], all, 300)), (LEASED_PER_ENDPOINT_MAX * 3 / 4, false));
        assert_eq!(claimable(own[0], all, 300), 0);
        assert!(fits(own[0], all, 300, Source::Fresh));
    }

    #[test]
    fn as_many_as_are_claimable_fit() {
        for (bytes, others) in [(300, Load::default()), (240_000, Load { deliveries: 9_000, bytes: 30_000_000 })] {
            let (mut own, mut all) = (Load::default(), others);
            for _ in 0..claimable(own, all, bytes) {
                assert!(fits(own, all, bytes, Source::Database));
                own.add(bytes);
                all.add(bytes);
            }
            assert!(own.deliveries > 5);
        }
    }
}
