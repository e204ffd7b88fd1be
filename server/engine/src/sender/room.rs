//! How much of this node's memory an endpoint may use: a part of what is free, so that no number of full ones leaves nothing
//! for the next.
//!
//! Each may have one part in [`PARTS`] of what nobody uses. The more endpoints are full, the less each of them gets, and
//! the last part is always free for those that have nothing in hand. The first delivery of an endpoint may go beyond its part.

use super::{JOBS_MAX, LEASED_MAX_BYTES, LEASED_PER_ENDPOINT_MAX};

/// An endpoint may use one part in so many of what is free.
const PARTS: usize = 8;
/// The same for the bytes of an endpoint's first delivery: large ones leave room for the first of others.
const FIRST_PARTS: usize = 4;
/// How large payloads are taken to be before any was seen, so that the first claim does not fetch many that do not fit.
pub const UNKNOWN_BYTES: usize = 64 * 1_024;

/// Deliveries in memory, in flight or about to come included, and the bytes of their payloads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Deliveries.
    pub jobs: usize,
    /// Bytes of payload. One that several deliveries share counts for each.
    pub bytes: usize,
}

/// Where deliveries come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// They are accepted just now, or follow one that has ended.
    Door,
    /// They wait in the database. They leave a quarter of an endpoint's part to what arrives, which would otherwise have to
    /// wait behind all of them.
    Database,
}

impl Load {
    /// One delivery more.
    pub const fn add(&mut self, bytes: usize) {
        self.jobs += 1;
        self.bytes += bytes;
    }

    /// One delivery less.
    pub const fn take(&mut self, bytes: usize) {
        self.jobs = self.jobs.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// What is free while this is in memory.
    pub const fn free(self) -> Self {
        Self { jobs: JOBS_MAX.saturating_sub(self.jobs), bytes: LEASED_MAX_BYTES.saturating_sub(self.bytes) }
    }

    /// The most that an endpoint may have while so much is free.
    fn part(self, source: Source) -> Self {
        let of = |free: usize| if source == Source::Door { free / PARTS } else { free / PARTS * 3 / 4 };
        let most = if source == Source::Door { LEASED_PER_ENDPOINT_MAX } else { LEASED_PER_ENDPOINT_MAX * 3 / 4 };
        Self { jobs: of(self.jobs).min(most), bytes: of(self.bytes) }
    }

    const fn takes_first(self, bytes: usize) -> bool {
        self.jobs > 0 && bytes <= self.bytes / FIRST_PARTS
    }
}

/// Whether another delivery of so many bytes fits, while the endpoint and all together have this.
pub fn fits(own: Load, all: Load, bytes: usize, source: Source) -> bool {
    let (free, part) = (all.free(), all.free().part(source));
    if own.jobs == 0 { free.takes_first(bytes) } else { own.jobs < part.jobs && own.bytes + bytes <= part.bytes }
}

/// How many that wait in the database fit, if each has so many bytes.
pub fn count(own: Load, all: Load, bytes: usize) -> usize {
    let (free, part) = (all.free(), all.free().part(Source::Database));
    // What it takes makes its part smaller, too.
    let left = |part: usize, own: usize| part.saturating_sub(own) * PARTS / (PARTS + 1);
    let fit = left(part.jobs, own.jobs).min(left(part.bytes, own.bytes) / bytes.max(1));
    if own.jobs == 0 { fit.max(usize::from(free.takes_first(bytes))) } else { fit }
}

/// Whether it is worth asking the database for more of an endpoint: half of its part is free.
pub fn is_open(own: Load, all: Load, bytes: usize) -> bool {
    let (free, part) = (all.free(), all.free().part(Source::Database));
    if own.jobs == 0 { free.takes_first(bytes) } else { own.jobs * 2 <= part.jobs && own.bytes * 2 <= part.bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::EVENT_BODY_MAX_BYTES;

    /// So many endpoints take what they can get. What each and all have then.
    fn filled(endpoints: usize, bytes: usize, source: Source) -> (Vec<Load>, Load) {
        let (mut own, mut all) = (vec![Load::default(); endpoints], Load::default());
        for _ in 0..JOBS_MAX {
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
    fn however_many_are_full_the_next_one_gets_room() {
        for (endpoints, bytes) in [(1, 240_000), (1, 300), (40, 300), (40, 240_000), (1_000, 300), (5_000, 300)] {
            let (own, all) = filled(endpoints, bytes, Source::Door);
            assert!(all.jobs <= JOBS_MAX && all.bytes <= LEASED_MAX_BYTES);
            assert!(own.iter().all(|own| own.jobs > 0), "{endpoints} of {bytes} bytes");
            assert!(fits(Load::default(), all, 300, Source::Door), "{endpoints} of {bytes} bytes");
        }
    }

    #[test]
    fn large_first_ones_leave_room_for_small_ones() {
        let (own, all) = filled(1_000, EVENT_BODY_MAX_BYTES, Source::Door);
        assert!(own.iter().filter(|own| own.jobs > 0).count() > 200 && all.bytes <= LEASED_MAX_BYTES);
        assert!(fits(Load::default(), all, 4_096, Source::Database));
    }

    #[test]
    fn what_waits_in_the_database_leaves_room_for_what_arrives() {
        let (own, all) = filled(1, 300, Source::Database);
        assert_eq!((own[0].jobs, is_open(own[0], all, 300)), (LEASED_PER_ENDPOINT_MAX * 3 / 4, false));
        assert_eq!(count(own[0], all, 300), 0);
        assert!(fits(own[0], all, 300, Source::Door));
    }

    #[test]
    fn as_many_as_are_counted_fit() {
        for (bytes, others) in [(300, Load::default()), (240_000, Load { jobs: 9_000, bytes: 30_000_000 })] {
            let (mut own, mut all) = (Load::default(), others);
            for _ in 0..count(own, all, bytes) {
                assert!(fits(own, all, bytes, Source::Database));
                own.add(bytes);
                all.add(bytes);
            }
            assert!(own.jobs > 5);
        }
    }
}
