//! Who hears of alarms: an address that nobody of ours named learns which states are deleted, and when.

use super::catalogue as rule;
use crate::{
    aws::{
        Aws,
        blueprint::TOPIC,
        resources::AwsSpec,
        topic::subscription::{self, Subscription},
    },
    blueprint::Blueprint,
    verify::{Checked, Place, Verdict},
};

/// Nothing where there is no topic, which is another finding, or it is somebody else's, who tells whom they like.
pub async fn check(aws: &Aws, blueprint: &Blueprint<AwsSpec>) -> Option<Checked> {
    let specs = || blueprint.nodes().iter().map(|node| &node.spec);
    let topic = specs().find_map(|spec| match spec {
        AwsSpec::Topic(topic) => Some(aws.arn("sns", &aws.region, &topic.name)),
        _ => None,
    })?;
    let ours = specs().filter_map(|spec| match spec {
        AwsSpec::Subscription(subscription) => Some(subscription),
        _ => None,
    });
    let verdict = verdict(aws, &topic, &ours.collect::<Vec<_>>()).await?;
    Some(Checked::new(&rule::LISTENERS, Place::at(&TOPIC, Some(topic)), verdict))
}

async fn verdict(aws: &Aws, topic: &str, ours: &[&Subscription]) -> Option<Verdict> {
    let all = match subscription::all(aws, topic).await {
        Ok(all) => all?,
        Err(error) => return Some(Verdict::Unreadable { error: error.to_string() }),
    };
    let others = all.iter().filter(|one| !ours.iter().any(|ours| ours.is(one)));
    let others: Vec<String> =
        others.map(|one| format!("{} {}", one.protocol().unwrap_or_default(), one.endpoint().unwrap_or_default())).collect();
    Some(if others.is_empty() { Verdict::Holds } else { fails(&others) })
}

/// So many are named.
const MOST: usize = 5;

fn fails(others: &[String]) -> Verdict {
    let more = others.len().saturating_sub(MOST);
    let and_more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Verdict::Fails {
        what: format!("nobody named {}{and_more}", others.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ")),
        mend: "name it with --alarm-email, accept it with --ignore, or `aws sns unsubscribe`".to_owned(),
    }
}

#[cfg(test)]
mod tests;
