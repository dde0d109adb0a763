//! All resources that may exist of an environment, regardless of its current settings.

use crate::{
    backend::aws::{
        AwsProvider,
        blueprint::{blueprint, widest},
        resources::{AwsSpec, observe},
    },
    engine::{
        blueprint::{Blueprint, BlueprintNode},
        observation::{Observation, Observed},
        spec::Spec,
    },
    settings::s3::{S3Settings, derived::DerivedNames},
};

/// Reads all of them. Existing resources of the settings, such as an existing key, are used if the
/// environment has none of its own.
pub(crate) async fn look(
    aws: &AwsProvider,
    settings: &S3Settings,
    names: &DerivedNames,
    asked_for: &Blueprint<AwsSpec>,
) -> (Blueprint<AwsSpec>, Observation<AwsSpec>) {
    let all = blueprint(&widest(settings), names, aws);
    let used = asked_for
        .nodes()
        .iter()
        .filter(|node| node.spec.data_source().is_some());
    let used = Blueprint::new(
        used.map(|node| BlueprintNode {
            needs: vec![],
            ..node.clone()
        })
        .collect(),
    );
    let (mut observation, mut of_used) =
        tokio::join!(Box::pin(observe(aws, &all)), Box::pin(observe(aws, &used)));
    let mut nodes = all.nodes().to_vec();
    for node in &mut nodes {
        if let (Some(used), Some(Observed::Absent)) =
            (used.get(&node.address), observation.get(&node.address))
        {
            node.spec = used.spec.clone();
            observation.extend(of_used.remove_entry(&node.address));
        }
    }
    (Blueprint::new(nodes), observation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::aws::{blueprint::tests::settings, testing::ScriptedServer},
        engine::spec::Spec,
    };

    /// Every part of any settings is read, regardless of disabled parts.
    #[test]
    fn no_setting_hides_a_part() {
        let names = |settings: &S3Settings| {
            DerivedNames::new(
                settings,
                &crate::backend::aws::testing::ACCOUNT.parse().unwrap(),
            )
        };
        let addresses = |line: &str| {
            let settings = settings(&format!("--project acme --region eu-west-1 {line}")).unwrap();
            let all = blueprint(
                &widest(&settings),
                &names(&settings),
                &ScriptedServer::new().aws(),
            );
            assert!(
                all.nodes()
                    .iter()
                    .all(|node| node.spec.data_source().is_none()),
                "{line}"
            );
            all.nodes()
                .iter()
                .map(|node| node.address.clone())
                .collect::<Vec<_>>()
        };
        let all = addresses("--lock both");
        for line in [
            "--lock s3 --trail off --access-logs=false --alarms=false --policy=false \
             --delete-events=false --encryption sse-s3",
            "--kms-key arn:aws:kms:eu-west-1:111122223333:key/\
             1234abcd-12ab-34cd-56ef-1234567890ab --trail existing",
            "--alarm-topic arn:aws:sns:eu-west-1:111122223333:t --table-recovery=false",
        ] {
            assert_eq!(addresses(line), all, "{line}");
        }
    }
}
