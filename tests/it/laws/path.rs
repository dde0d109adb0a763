//! The law of the critical path: what a plan says that it takes is what apply takes, if every round
//! trip takes as long.

use std::{
    future::{Future, poll_fn},
    num::NonZeroUsize,
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;
use tfbackend::engine::{
    apply::{ApplyOptions, ChangeWriter, apply},
    observation::outputs,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::support::imagined::Refused;

/// Time that goes on only when everybody waits for it.
#[derive(Default)]
struct Clock {
    now: u32,
    waiting: Vec<(u32, Waker)>,
}

/// Writes nothing, and takes as long as each write says.
#[derive(Default)]
struct Clockwork(Mutex<Clock>);

impl Clockwork {
    async fn wait(&self, trips: u32) {
        let until = self.0.lock().unwrap().now + trips;
        poll_fn(|cx| {
            let mut clock = self.0.lock().unwrap();
            if clock.now >= until {
                return Poll::Ready(());
            }
            clock.waiting.push((until, cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Runs it to its end, and says when that was.
    fn run<T>(&self, what: impl Future<Output = T>) -> (T, u32) {
        let mut what = pin!(what);
        loop {
            if let Poll::Ready(result) = what.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                return (result, self.0.lock().unwrap().now);
            }
            let mut clock = self.0.lock().unwrap();
            clock.now = clock
                .waiting
                .iter()
                .map(|(until, _)| *until)
                .min()
                .expect("it waits for something");
            let waiting = std::mem::take(&mut clock.waiting);
            drop(clock);
            waiting.into_iter().for_each(|(_, waker)| waker.wake());
        }
    }
}

impl ChangeWriter for Clockwork {
    type Spec = Toy;
    type Error = Refused;

    async fn write(
        &self,
        address: &Address,
        change: &PlannedChange<Toy>,
    ) -> Result<Option<String>, Refused> {
        let trips = match change {
            PlannedChange::Create { to } => to.write_round_trips(None),
            PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => {
                to.write_round_trips(Some(from))
            }
            other => panic!("{address}: {other:?}"),
        };
        self.wait(trips).await;
        Ok(Some(address.to_string()))
    }
}

proptest! {
    #[test]
    fn apply_takes_as_long_as_the_critical_path(scene in scene(TAME)) {
        let cloud = Imagined::new(scene);
        let plan = cloud.plan(true);
        let path = plan.critical_path().expect("nothing is in the way");
        let trips: u32 = path.through.iter().map(|address| {
            match &plan.steps.iter().find(|step| step.address == *address).unwrap().change {
                PlannedChange::Create { to } => to.write_round_trips(None),
                PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => to.write_round_trips(Some(from)),
                other => panic!("{address}: {other:?}"),
            }
        }).sum();
        prop_assert_eq!(trips, path.make, "of what it goes through");
        let cancel = CancellationToken::new();
        let run = ApplyOptions { parallelism: NonZeroUsize::new(64).expect("not zero"), cancel: &cancel, on_event: &mut |_| {} };
        let clockwork = Clockwork::default();
        let (outcome, took) = clockwork.run(apply(plan, outputs(&cloud.observe()), &clockwork, run));
        prop_assert!(outcome.failed.is_empty() && outcome.left.is_empty());
        prop_assert_eq!(took, path.make);
    }
}
