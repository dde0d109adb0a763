//! `docs/reference/cost.md`: what each resource costs by the month, from `aws::cost`.

use tfbackend::{
    backend::aws::cost, cli::environment::ConnectedEnvironment, report::plan::ResourceTitle,
};

use super::{EVERYTHING, SETTINGS};
use crate::support::{made_up, page};

#[test]
fn the_costs_are_those_of_the_plan() {
    let rows = [
        ("the defaults", ""),
        ("`--lock s3`", "--lock s3"),
        ("`--lock both`", "--lock both"),
        ("`--encryption sse-s3`", "--encryption sse-s3"),
        ("`--alarms=false`", "--alarms=false"),
        ("`--billing provisioned`", "--billing provisioned"),
        (
            "`--encryption sse-s3 --alarms=false --trail off`",
            "--encryption sse-s3 --alarms=false --trail off",
        ),
    ];
    let mut choices = "| settings | a month |\n| --- | --- |\n".to_owned();
    for (name, line) in rows {
        choices.push_str(&format!(
            "| {name} | ${:.2} |\n",
            costs(&environment(line))
                .iter()
                .fold(0.0, |sum, (_, _, cost)| sum + cost)
        ));
    }
    let mut resources = "| address | what it is | a month |\n| --- | --- | --- |\n".to_owned();
    for (address, title, cost) in costs(&environment(EVERYTHING)) {
        resources.push_str(&format!("| `{address}` | {title} | ${cost:.2} |\n"));
    }
    page::parts_must_be(
        "docs/reference/cost.md",
        &[("by settings", choices), ("by resource", resources)],
    );
    let events = format!("${:.2} for each 100,000", cost::EVENTS_100K);
    assert!(
        page::read("docs/reference/cost.md").contains(&events),
        "the price of data events: {events}"
    );
}

fn environment(line: &str) -> ConnectedEnvironment {
    made_up::environment("prod", line, SETTINGS)
}

/// Fixed costs, without any use.
fn costs(environment: &ConnectedEnvironment) -> Vec<(String, String, f64)> {
    let nodes = environment.provider.blueprint.nodes().iter();
    nodes
        .filter_map(|node| {
            let line = ResourceTitle::of(&node.address, &node.spec);
            Some((node.address.to_string(), line.title, line.cost?))
        })
        .collect()
}
