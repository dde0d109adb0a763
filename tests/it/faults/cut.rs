//! Cut at any call: killed before AWS has acted, or after it and before the answer; the next run makes it whole.

use std::{env, os::unix::process::ExitStatusExt};

use insta::assert_snapshot;

use super::{LINE, SEED, bootstrap, seed, world};
use crate::support::{
    parts::{Part, in_parts},
    proxy::{Client, Faults, Reply, When, Which},
};

const ALL: &str = "tests/it/faults/one_of_everything.py";
/// Set by `make soak`: every call, and not a few of them.
const SOAK: &str = "TFBACKEND_SOAK";
/// How many calls are cut in each part where it is not soaked.
const SAMPLE: usize = 2;

in_parts! { fn cut_at_any_call_the_next_run_makes_it_whole: cut in first second }

async fn cut(part: Part) {
    // How many calls there are, how many of them write, and what there is in the end.
    let (emulator, mut place) = world().await;
    let (output, proxy) = bootstrap(&emulator, &mut place, &Client::default(), Faults::seeded(0));
    assert!(output.status.success(), "{output:?}");
    let calls = proxy.take_record();
    let whole = emulator.python(ALL, &[]);
    assert_snapshot!(whole, @"
    key Enabled ['alias/acme-tfstate-prod'] rotates
    bucket acme-tfstate-prod-000000000000-eu-west-1
    bucket acme-tfstate-prod-logs-000000000000-eu-west-1
    table acme-tfstate-prod-locks
    policy acme-tfstate-prod-runner 1 version, attached 1
    topic arn:aws:sns:eu-west-1:000000000000:acme-tfstate-prod-alarms ['ops@example.com']
    alarm acme-tfstate-prod-bucket-size
    alarm acme-tfstate-prod-lock-contention
    alarm acme-tfstate-prod-lock-errors
    alarm acme-tfstate-prod-lock-throttles
    alarm acme-tfstate-prod-object-count
    trail acme-tfstate-prod logs
    ");

    let cuts: Vec<(usize, When)> = (1..=calls.len()).flat_map(|n| [(n, When::Before), (n, When::After)]).collect();
    let mine: Vec<(usize, When)> = part.of(&cuts).copied().collect();
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let soaked = env::var_os(SOAK).is_some();
    let chosen = if soaked {
        mine
    } else {
        // Where nothing is written yet, little can go wrong.
        let first = calls.iter().position(|exchange| exchange.call.is_write()).expect("a write") + 1;
        let last = calls.iter().rposition(|exchange| exchange.call.is_write()).expect("a write") + 1;
        let writes: Vec<_> = mine.into_iter().filter(|(n, _)| (first..=last).contains(n)).collect();
        random.choose_multiple(writes, SAMPLE)
    };
    for (n, when) in chosen {
        whole_after(n, when, &whole, &format!("cut {when:?} call {n} of {} ({SEED}={seed})", calls.len())).await;
    }
}

async fn whole_after(n: usize, when: When, whole: &str, what: &str) {
    let (emulator, mut place) = world().await;
    let client = Client::default();
    let killed = client.clone();
    let faults = Faults::seeded(0).rule("", Which::Nth(n), move || Reply::Kill(killed.clone(), when));
    let (output, proxy) = bootstrap(&emulator, &mut place, &client, faults);
    let last = proxy.take().pop();
    // The order of calls differs a little from run to run, and with it their number.
    assert!(output.status.signal() == Some(9) || output.status.success(), "{what}: {output:?}");

    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(0), "{what}, {last:?}: {}", said.all());
    assert_eq!(emulator.python(ALL, &[]), whole, "{what}, {last:?}");
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(again.code == Some(0) && again.err.contains("nothing to do"), "{what}, {last:?}: {}", again.all());
    let args: Vec<&str> = ["verify"].into_iter().chain(LINE.split(' ')).collect();
    let verified = place.run(&args);
    assert_eq!(verified.code, Some(0), "{what}, {last:?}: {}", verified.all());
    let args: Vec<&str> = ["render", "--check"].into_iter().chain(LINE.split(' ')).collect();
    let rendered = place.run(&args);
    assert_eq!(rendered.code, Some(0), "{what}, {last:?}: {}", rendered.all());
}
