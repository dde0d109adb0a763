//! Calls that waited for each other: the longest chain of them is what a person waits for.

use std::time::Instant;

/// A call, and when it began and ended.
#[derive(Clone, Debug)]
pub(crate) struct Trip {
    pub name: String,
    pub start: Instant,
    pub end: Instant,
}

/// The longest chain of calls of which each began after the one before it had ended.
pub(crate) fn longest(mut trips: Vec<Trip>) -> Vec<String> {
    trips.sort_by_key(|trip| trip.start);
    let mut chains: Vec<(Vec<String>, Instant)> = vec![];
    for Trip { name, start, end } in trips {
        let before = chains
            .iter()
            .filter(|(_, ended)| *ended <= start)
            .map(|(chain, _)| chain)
            .max_by_key(|chain| chain.len());
        chains.push((
            [before.cloned().unwrap_or_default(), vec![name]].concat(),
            end,
        ));
    }
    chains
        .into_iter()
        .map(|(chain, _)| chain)
        .max_by_key(Vec::len)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn chains_are_told_from_calls_at_the_same_time() {
        let zero = Instant::now();
        let at = |seconds| zero + Duration::from_secs(seconds);
        let trip = |name: &str, from: u64, to: u64| Trip {
            name: name.to_owned(),
            start: at(from),
            end: at(to),
        };
        assert_eq!(longest(vec![]), Vec::<String>::new());
        assert_eq!(longest(vec![trip("a", 0, 2), trip("b", 1, 2)]).len(), 1);
        assert_eq!(
            longest(vec![
                trip("c", 2, 3),
                trip("a", 0, 1),
                trip("b", 0, 2),
                trip("d", 3, 4)
            ]),
            ["b", "c", "d"]
        );
    }
}
