//! How values are distributed, in few bytes: counts of buckets whose width grows with the value.
//!
//! Below 32 every value has a bucket of its own; above, every doubling is cut into 32 equal buckets.
//! A quantile answers with the middle of a bucket, so it is off by at most half a bucket's width, 1/64
//! of the value, whatever the distribution. Merging adds counts: it loses nothing, and the order in
//! which histograms are merged does not matter.

use crate::varint;

/// Buckets of each doubling.
const PER_DOUBLING: u64 = 32;
const PER_DOUBLING_BITS: u32 = 5;
/// The largest relative error of a quantile.
pub const RELATIVE_ERROR: f64 = 1.0 / 64.0;
/// Buckets there can be: of all values of 64 bits.
const BUCKETS: u64 = (64 - PER_DOUBLING_BITS as u64 + 1) * PER_DOUBLING;

/// A distribution of whole values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Index and count of every bucket that is not empty, by index.
    buckets: Vec<(u16, u64)>,
}

impl Histogram {
    /// Counts one value.
    pub fn record(&mut self, value: u64) {
        let index = index_of(value);
        match self.buckets.binary_search_by_key(&index, |&(index, _)| index) {
            Ok(place) => self.buckets[place].1 = self.buckets[place].1.saturating_add(1),
            Err(place) => self.buckets.insert(place, (index, 1)),
        }
    }

    /// Adds everything another one has counted.
    pub fn merge(&mut self, other: &Self) {
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
            return;
        }
        let (mut place, mut missing) = (0, Vec::new());
        for &(index, count) in &other.buckets {
            place += self.buckets[place..].iter().take_while(|&&(ours, _)| ours < index).count();
            match self.buckets.get_mut(place) {
                Some((ours, ours_count)) if *ours == index => *ours_count = ours_count.saturating_add(count),
                _ => missing.push((index, count)),
            }
        }
        if !missing.is_empty() {
            self.buckets.append(&mut missing);
            self.buckets.sort_by_key(|&(index, _)| index);
        }
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum: u64, &(_, count)| sum.saturating_add(count))
    }

    /// The value that `percent` of 100 of all values do not exceed, by the nearest rank; `None` if none
    /// was counted.
    ///
    /// *Error*: at most [`RELATIVE_ERROR`] of the exact one.
    #[must_use]
    pub fn percentile(&self, percent: u32) -> Option<u64> {
        let count = u128::from(self.count());
        let rank = (count * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0u128;
        let holds = |&&(_, count): &&(u16, u64)| {
            seen += u128::from(count);
            seen >= rank
        };
        self.buckets.iter().find(holds).map(|&(index, _)| middle_of(index))
    }

    /// Appends the distribution's bytes.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        varint::put(bytes, self.buckets.len() as u64);
        let mut before = 0;
        for &(index, count) in &self.buckets {
            varint::put(bytes, u64::from(index - before));
            varint::put(bytes, count);
            before = index;
        }
    }

    /// Takes a distribution off the front of bytes that [`Histogram::encode`] wrote; `None` for others.
    pub fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let len = varint::take(bytes).filter(|&len| len <= BUCKETS)?;
        let mut buckets = Vec::with_capacity(usize::try_from(len).ok()?);
        let mut index = 0u16;
        for place in 0..len {
            let step = u16::try_from(varint::take(bytes)?).ok()?;
            if step == 0 && place > 0 {
                return None;
            }
            index = index.checked_add(step).filter(|&index| u64::from(index) < BUCKETS)?;
            buckets.push((index, varint::take(bytes)?));
        }
        Some(Self { buckets })
    }
}

fn index_of(value: u64) -> u16 {
    let index = if value < PER_DOUBLING {
        value
    } else {
        let exponent = 63 - value.leading_zeros();
        let within = (value >> (exponent - PER_DOUBLING_BITS)) & (PER_DOUBLING - 1);
        u64::from(exponent - PER_DOUBLING_BITS + 1) * PER_DOUBLING + within
    };
    u16::try_from(index).expect("there are fewer than 2^16 buckets")
}

fn middle_of(index: u16) -> u64 {
    let index = u64::from(index);
    if index < PER_DOUBLING {
        return index;
    }
    let shift = index / PER_DOUBLING - 1;
    let lowest = (PER_DOUBLING + index % PER_DOUBLING) << shift;
    lowest + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR_US: u64 = 3_600_000_000;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.record(value));
        histogram
    }

    fn merged(parts: &[&Histogram]) -> Histogram {
        let mut whole = Histogram::default();
        parts.iter().for_each(|part| whole.merge(part));
        whole
    }

    #[test]
    fn the_largest_values_have_a_bucket_and_nothing_has_no_percentile() {
        assert_eq!(u64::from(index_of(u64::MAX)), BUCKETS - 1);
        assert_eq!(of(&[]).percentile(50), None);
        assert_eq!(of(&[7]).percentile(1), Some(7));
    }

    fn values() -> impl Strategy<Value = Vec<u64>> {
        // Evenly over the magnitudes from a microsecond to an hour.
        let value = (0u32..32, any::<u64>())
            .prop_map(|(bits, noise)| ((1u64 << bits) | (noise & ((1 << bits) - 1))).min(HOUR_US));
        proptest::collection::vec(value, 1..200)
    }

    proptest! {
        #[test]
        fn percentiles_are_within_the_stated_error(values in values(), percent in 1u32..=100) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let exact = sorted[(sorted.len() * percent as usize).div_ceil(100) - 1];
            let found = of(&values).percentile(percent).unwrap();
            let error = (found as f64 - exact as f64).abs() / exact as f64;
            prop_assert!(error <= RELATIVE_ERROR, "{} for {}", found, exact);
        }

        #[test]
        fn merging_is_counting_together_in_any_order(a in values(), b in values(), c in values()) {
            let (x, y, z) = (of(&a), of(&b), of(&c));
            let together = of(&[a, b, c].concat());
            prop_assert_eq!(merged(&[&merged(&[&x, &y]), &z]), together.clone());
            prop_assert_eq!(merged(&[&x, &merged(&[&y, &z])]), together.clone());
            prop_assert_eq!(merged(&[&z, &x, &y]), together);
        }

        #[test]
        fn a_histogram_reads_back_as_it_was_written(values in values()) {
            let (histogram, mut bytes) = (of(&values), Vec::new());
            histogram.encode(&mut bytes);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(Histogram::decode(&mut rest), Some(histogram));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn noise_is_refused_or_read_and_never_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..60)) {
            Histogram::decode(&mut noise.as_slice());
        }
    }
}
