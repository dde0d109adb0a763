//! Verifies an apply: the settings that AWS returns count, not the success of the writes.

use crate::backend::provider::Provider;
use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use crate::{
    backend::aws::retry::{SHOWN, WaitLimit},
    cli::{context::Context, failure::CliError, wait::WaitReport},
    engine::{
        observation::{Observation, Observed},
        plan::{Plan, PlanStep, PlannedChange},
        spec::{Address, Spec},
    },
    text::words,
};

/// The time to wait if another run wrote other values: it may still write these. Late reads show
/// what was there before, and no other value.
const OF_OTHERS: Duration = Duration::from_secs(30);

/// Waits until AWS returns all written settings. Reads after a write may still return old values,
/// so only differing resources are read again.
///
/// # Errors
/// If something still differs after three minutes, or cannot be read.
pub(crate) async fn must_match<P: Provider>(
    provider: &P,
    before: &Observation<P::Spec>,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    const HINT: &str =
        "all changes were applied; run the same command again to verify them and write the files";
    let mut waiting = WaitLimit::at_most(SHOWN);
    let mut waits = WaitReport::new("AWS shows", SHOWN);
    let mut observation = cx
        .busy_with("verifying the backend", provider.observe())
        .await
        .map_err(|failure| failure.hint(HINT))?;
    loop {
        let plan = Plan::to_apply(provider.blueprint(), &observation, false);
        if plan.is_empty() {
            drop(waits);
            cx.status(&format!(
                "verified: {} as planned",
                words::count(plan.steps.len(), "resource is", "resources are")
            ));
            return Ok(());
        }
        // A denied read is not retried.
        if let Some(failure) = super::denied(&plan) {
            return Err(failure);
        }
        let differs: Vec<Address> = plan.differing().map(|step| step.address.clone()).collect();
        waits.on(&differs, cx);
        let patience = if of_others(&plan, before).is_empty() {
            SHOWN
        } else {
            OF_OTHERS
        };
        let goes_on = waiting.elapsed() < patience
            && cx
                .until_cancelled(waiting.again())
                .await
                .map_err(|failure| failure.hint(HINT))?;
        if !goes_on {
            drop(waits);
            super::show_plan(&plan, provider, cx);
            return Err(unsettled(&plan, before));
        }
        let differs: BTreeSet<Address> = differs.into_iter().collect();
        cx.until_cancelled(provider.observe_again(&differs, &mut observation))
            .await
            .map_err(|failure| failure.hint(HINT))?;
    }
}

/// A value that is neither as it was nor as it was written was written by another run, or by hand.
/// What takes more than one call may be seen with some of its values as they were, and the others
/// as they were written.
fn of_others<'p, S: Spec>(plan: &'p Plan<S>, before: &Observation<S>) -> Vec<&'p str> {
    let is_of_others = |step: &&PlanStep<S>| match (&step.change, before.get(&step.address)) {
        (PlannedChange::Update { from, to }, Some(Observed::Present { spec, .. })) => {
            let [now, before, written] =
                [from, spec, to].map(|spec| serde_json::to_value(spec).unwrap_or_default());
            is_another(&now, &before, &written)
        }
        _ => false,
    };
    plan.steps
        .iter()
        .filter(is_of_others)
        .map(|step| step.address.as_str())
        .collect()
}

/// Returns whether any value in it is another one. A list is one value.
fn is_another(now: &Value, before: &Value, written: &Value) -> bool {
    if now == before || now == written {
        return false;
    }
    match (now, before, written) {
        (Value::Object(now), Value::Object(before), Value::Object(written)) => {
            let in_all = now.keys().chain(before.keys()).chain(written.keys());
            in_all.into_iter().any(|name| {
                let [now, before, written] =
                    [now, before, written].map(|fields| fields.get(name).unwrap_or(&Value::Null));
                is_another(now, before, written)
            })
        }
        _ => true,
    }
}

fn unsettled<S: Spec>(plan: &Plan<S>, before: &Observation<S>) -> CliError {
    let of_others = of_others(plan, before);
    if of_others.is_empty() {
        return CliError::partly("all changes were applied, but AWS returns other values (above)")
            .hint(
                "if another run is changing this environment with other settings, wait until it \
                 ends",
            )
            .hint(
                "otherwise AWS does not return all changes yet: run the same command again in a \
                 minute",
            );
    }
    CliError::partly(format!(
        "another run is changing this environment: {}",
        words::list(&of_others)
    ))
    .hint("the current values are above; run the same command again after the other run has ended")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::aws::{
            bucket::versioning::BucketVersioning,
            lock_table::{LockTable, LockTableEncryption, TableBilling},
            resources::AwsSpec,
        },
        engine::observation::ResourceOwner,
    };

    fn versioning(status: &str) -> AwsSpec {
        AwsSpec::Versioning(BucketVersioning {
            bucket: "states".to_owned(),
            status: status.to_owned(),
            mfa_delete: false,
        })
    }

    /// Of what was not there before, both may be the case: another run, or a read that is late.
    #[test]
    fn only_a_value_that_was_never_there_is_of_another_run() {
        let address = Address::new("state_bucket/versioning");
        let change = PlannedChange::Update {
            from: versioning("Suspended"),
            to: versioning("Enabled"),
        };
        let plan = Plan {
            steps: vec![PlanStep {
                address: address.clone(),
                needs: vec![],
                consequence: None,
                change,
            }],
        };
        let said = |seen: Observed<AwsSpec>| {
            let failure = unsettled(&plan, &Observation::from([(address.clone(), seen)]));
            format!("{} {}", failure.message, failure.hints.join(" "))
        };
        let present = |status: &str| Observed::Present {
            spec: versioning(status),
            output: None,
            owner: ResourceOwner::Us,
        };
        let late = "AWS does not return all changes yet";
        for seen in [Observed::Absent, present("Suspended")] {
            let said = said(seen);
            assert!(
                said.contains(late)
                    && said
                        .contains("another run is changing this environment with other settings"),
                "{said}"
            );
        }
        let said = said(present("Off"));
        assert!(
            said.contains("another run is changing this environment: state_bucket/versioning")
                && !said.contains(late),
            "{said}"
        );
    }

    /// A table takes one call for each of its settings.
    #[test]
    fn what_is_written_in_part_is_not_of_another_run() {
        let table = |deletion_protection, encryption, tags: &[(&str, &str)]| {
            let tags = tags
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            AwsSpec::LockTable(LockTable {
                deletion_protection,
                encryption,
                tags,
                ..LockTable::named("locks")
            })
        };
        let key = |name: &str| LockTableEncryption::Kms(name.to_owned());
        let (old, new) = (
            [("a", "old"), ("b", "old"), ("c", "old")],
            [("a", "new"), ("b", "new")],
        );
        let before = Observation::from([(
            Address::new("lock_table"),
            Observed::Present {
                spec: table(false, key("old"), &old),
                output: None,
                owner: ResourceOwner::Us,
            },
        )]);
        let said = |now: AwsSpec| {
            let change = PlannedChange::Update {
                from: now,
                to: table(true, key("new"), &new),
            };
            let plan = Plan {
                steps: vec![PlanStep {
                    address: Address::new("lock_table"),
                    needs: vec![],
                    consequence: None,
                    change,
                }],
            };
            of_others(&plan, &before).join(" ")
        };
        let half = [("a", "new"), ("b", "old")];
        for now in [
            table(true, key("old"), &old),
            table(false, key("new"), &old),
            table(true, key("old"), &half),
        ] {
            assert_eq!(said(now), "");
        }
        let theirs = [("a", "new"), ("b", "their"), ("c", "old")];
        for now in [
            table(true, key("their"), &old),
            table(true, LockTableEncryption::AwsOwned, &new),
            table(true, key("old"), &theirs),
        ] {
            assert_eq!(said(now), "lock_table");
        }
        let AwsSpec::LockTable(of_theirs) = table(true, key("old"), &old) else {
            unreachable!("it is one")
        };
        let billing = TableBilling::Provisioned { read: 1, write: 1 };
        assert_eq!(
            said(AwsSpec::LockTable(LockTable {
                billing,
                ..of_theirs
            })),
            "lock_table"
        );
    }
}
