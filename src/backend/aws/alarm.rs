//! A CloudWatch alarm on a metric with data, with an action.

use crate::{
    backend::aws::{
        cost,
        permissions::{ANYTHING, ActionTargets, PermissionScope},
        verify::catalogue as rules,
    },
    checks::Check,
    engine::spec::Address,
};
use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, Tag,
};
use serde::{Deserialize, Serialize};

use super::{
    AwsProvider,
    error::{ApiOperation, AwsError, found},
    ownership::{Tags, tags_over, tags_to_add, trips_to_tag},
    resource::{AwsResource, ObserveContext, ObservedResource},
};
use crate::engine::spec::Spec;

pub(crate) mod catalogue;

const DESCRIBE: ApiOperation = ApiOperation::new("cloudwatch:DescribeAlarms");
const TAGS: ApiOperation = ApiOperation::new("cloudwatch:ListTagsForResource");
const PUT: ApiOperation = ApiOperation::new("cloudwatch:PutMetricAlarm");
const DELETE: ApiOperation = ApiOperation::new("cloudwatch:DeleteAlarms");
const TAG: ApiOperation = ApiOperation::new("cloudwatch:TagResource");
const ABSENT: &[&str] = &["ResourceNotFoundException", "ResourceNotFound"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    pub name: String,
    pub description: String,
    /// Metrics and expressions; the one whose `returned` is true is compared with the threshold.
    pub queries: Vec<MetricQuery>,
    /// The comparison operator of CloudWatch: `GreaterThanThreshold`.
    pub comparison: String,
    pub threshold: f64,
    pub evaluation_periods: i32,
    /// `notBreaching`, `breaching`, `ignore` or `missing`.
    pub missing_data: String,
    pub actions_enabled: bool,
    /// The ARNs of the topics to notify.
    pub actions: Vec<String>,
    /// OK actions, which others configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ok_actions: Vec<String>,
    /// Insufficient data actions, which others configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no_data_actions: Vec<String>,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricQuery {
    pub id: String,
    #[serde(flatten)]
    pub what: AlarmKind,
    pub returned: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    Expression(String),
    Metric {
        namespace: String,
        name: String,
        dimensions: BTreeMap<String, String>,
        statistic: String,
        seconds: i32,
    },
}

impl Spec for Alarm {
    fn title(&self) -> String {
        self.description.clone()
    }

    fn monthly_cost(&self) -> Option<f64> {
        let metrics = self
            .queries
            .iter()
            .filter(|query| matches!(query.what, AlarmKind::Metric { .. }))
            .count();
        Some(cost::ALARM_METRIC * f64::from(u32::try_from(metrics).unwrap_or(u32::MAX)))
    }

    fn why(&self, setting: &str) -> Option<&'static str> {
        let (field, _) = setting.split_once('.').unwrap_or((setting, ""));
        Some(match field {
            "description" => "so that the notification explains the alarm",
            "queries" => "so that the alarm watches a metric with data",
            "comparison" | "threshold" | "evaluation_periods" => {
                "so that the alarm fires when it should"
            }
            "missing_data" => "so that missing data does not fire the alarm",
            "actions_enabled" | "actions" => "so that you are notified",
            "ok_actions" | "no_data_actions" => "so that existing recipients are still notified",
            _ => return None,
        })
    }

    /// Actions of others are kept.
    fn merge_onto(&self, observed: &Self) -> Self {
        let mut actions = observed.actions.clone();
        actions.extend(
            self.actions
                .iter()
                .filter(|action| !observed.actions.contains(action))
                .cloned(),
        );
        Self {
            actions,
            ok_actions: observed.ok_actions.clone(),
            no_data_actions: observed.no_data_actions.clone(),
            tags: tags_over(&self.tags, &observed.tags),
            ..self.clone()
        }
    }

    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        from.map_or(1, |from| {
            u32::from(self.has_other_settings(from)) + trips_to_tag(&from.tags, &self.tags)
        })
    }
}

impl AwsResource for Alarm {
    const CHECKS: &'static [&'static Check] = &[
        &rules::ALARM,
        &rules::ALARM_FIRES,
        &rules::ALARM_TELLS,
        &rules::TAGS,
        &rules::UNMANAGED,
    ];

    fn permission_arn(&self, scope: &PermissionScope<'_>, _: &Address) -> String {
        let name = format!("alarm:{}", self.name);
        scope.aws.arn("cloudwatch", &scope.aws.region, &name)
    }

    fn permissions_to_read(&self, arn: &str, _: &PermissionScope<'_>, on: &mut ActionTargets<'_>) {
        on(&["cloudwatch:DescribeAlarms"], ANYTHING);
        on(&["cloudwatch:ListTagsForResource"], arn);
    }

    fn permissions_to_create(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(
            &["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
            arn,
        );
    }

    fn permissions_to_change(
        &self,
        from: &Self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        if !tags_to_add(Some(&from.tags), &self.tags).is_empty() {
            on(&["cloudwatch:TagResource"], arn);
        }
        let with_tags = Self {
            tags: self.tags.clone(),
            ..from.clone()
        };
        if with_tags != *self {
            on(&["cloudwatch:PutMetricAlarm"], arn);
        }
    }

    fn permissions_to_delete(
        &self,
        arn: &str,
        _: &PermissionScope<'_>,
        on: &mut ActionTargets<'_>,
    ) {
        on(&["cloudwatch:DeleteAlarms"], arn);
    }

    async fn look(
        &self,
        look: &ObserveContext<'_>,
    ) -> Result<Option<ObservedResource<Self>>, AwsError> {
        let aws = look.aws;
        let arn = self.arn(aws);
        let (alarm, tags) = tokio::join!(look.alarm(&self.name), get_tags(aws, &arn));
        let Some(alarm) = alarm? else { return Ok(None) };
        let Some(tags) = tags? else { return Ok(None) };
        let owner = aws.mark.owner(&tags);
        Ok(Some(ObservedResource {
            spec: Self::of(self.name.clone(), alarm, tags),
            output: Some(arn),
            owner,
        }))
    }

    async fn write(
        &self,
        aws: &AwsProvider,
        from: Option<&Self>,
    ) -> Result<Option<String>, AwsError> {
        let arn = self.arn(aws);
        // The call replaces all settings except the tags, which it only sets at creation.
        if from.is_none_or(|from| self.has_other_settings(from)) {
            let request = aws
                .clients
                .cloudwatch
                .put_metric_alarm()
                .alarm_name(&self.name)
                .alarm_description(&self.description)
                .set_metrics(Some(self.queries.iter().map(MetricQuery::to_sdk).collect()))
                .comparison_operator(ComparisonOperator::from(&*self.comparison))
                .threshold(self.threshold)
                .evaluation_periods(self.evaluation_periods)
                .treat_missing_data(&self.missing_data)
                .actions_enabled(self.actions_enabled)
                .set_alarm_actions(Some(self.actions.clone()))
                .set_ok_actions(some(&self.ok_actions))
                .set_insufficient_data_actions(some(&self.no_data_actions))
                .set_tags(from.is_none().then(|| sdk_tags(&self.tags)));
            aws.send(PUT, &self.name, &[], || request.clone().send())
                .await?;
        }
        if let Some(from) = from {
            let tags = tags_to_add(Some(&from.tags), &self.tags);
            if !tags.is_empty() {
                let request = aws
                    .clients
                    .cloudwatch
                    .tag_resource()
                    .resource_arn(&arn)
                    .set_tags(Some(sdk_tags(&tags)));
                aws.send(TAG, &arn, &[], || request.clone().send()).await?;
            }
        }
        Ok(Some(arn))
    }

    async fn delete(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let request = aws
            .clients
            .cloudwatch
            .delete_alarms()
            .alarm_names(&self.name);
        found(
            aws.send(DELETE, &self.name, &[], || request.clone().send())
                .await,
            ABSENT,
        )
        .map(drop)
    }
}

/// Returns the existing ones of these alarms; at most a hundred can be requested.
pub(super) async fn describe(
    aws: &AwsProvider,
    names: &[String],
) -> Result<Vec<MetricAlarm>, AwsError> {
    let request = aws
        .clients
        .cloudwatch
        .describe_alarms()
        .set_alarm_names(Some(names.to_owned()));
    let what = if let [only] = names {
        only
    } else {
        "the environment's alarms"
    };
    Ok(aws
        .read(DESCRIBE, what, request.send())
        .await?
        .metric_alarms
        .unwrap_or_default())
}

/// Returns every alarm of the region, without tags.
pub(super) async fn list(aws: &AwsProvider) -> Result<Vec<Alarm>, AwsError> {
    let pages = aws
        .clients
        .cloudwatch
        .describe_alarms()
        .into_paginator()
        .send();
    let pages: Vec<_> = pages
        .try_collect()
        .await
        .map_err(|error| AwsError::from_sdk(DESCRIBE, "the alarms of the region", error))?;
    let alarms = pages
        .into_iter()
        .flat_map(|page| page.metric_alarms.unwrap_or_default());
    Ok(alarms
        .map(|alarm| {
            Alarm::of(
                alarm.alarm_name.clone().unwrap_or_default(),
                alarm,
                Tags::new(),
            )
        })
        .collect())
}

impl Alarm {
    /// Returns the values of one dimension in all of its metrics.
    pub fn dimension_values(&self, name: &str) -> Vec<String> {
        let metrics = self.queries.iter().filter_map(|query| match &query.what {
            AlarmKind::Metric { dimensions, .. } => dimensions.get(name).cloned(),
            AlarmKind::Expression(_) => None,
        });
        metrics.collect()
    }

    fn has_other_settings(&self, from: &Self) -> bool {
        Self {
            tags: self.tags.clone(),
            ..from.clone()
        } != *self
    }

    fn arn(&self, aws: &AwsProvider) -> String {
        aws.arn("cloudwatch", &aws.region, &format!("alarm:{}", self.name))
    }

    fn of(name: String, alarm: MetricAlarm, tags: Tags) -> Self {
        let queries = match alarm.metrics() {
            [] => vec![MetricQuery::from_plain(&alarm)],
            queries => queries.iter().map(MetricQuery::from_sdk).collect(),
        };
        Self {
            name,
            queries,
            description: alarm.alarm_description.unwrap_or_default(),
            comparison: alarm
                .comparison_operator
                .map(|c| c.as_str().to_owned())
                .unwrap_or_default(),
            threshold: alarm.threshold.unwrap_or_default(),
            evaluation_periods: alarm.evaluation_periods.unwrap_or_default(),
            missing_data: alarm
                .treat_missing_data
                .unwrap_or_else(|| "missing".to_owned()),
            actions_enabled: alarm.actions_enabled.unwrap_or(false),
            actions: alarm.alarm_actions.unwrap_or_default(),
            ok_actions: alarm.ok_actions.unwrap_or_default(),
            no_data_actions: alarm.insufficient_data_actions.unwrap_or_default(),
            tags,
        }
    }
}

impl MetricQuery {
    fn to_sdk(&self) -> MetricDataQuery {
        let query = MetricDataQuery::builder()
            .id(&self.id)
            .return_data(self.returned);
        match &self.what {
            AlarmKind::Expression(expression) => query.expression(expression).build(),
            AlarmKind::Metric {
                namespace,
                name,
                dimensions,
                statistic,
                seconds,
            } => {
                let dimensions = dimensions
                    .iter()
                    .map(|(name, value)| Dimension::builder().name(name).value(value).build())
                    .collect();
                let metric = Metric::builder()
                    .namespace(namespace)
                    .metric_name(name)
                    .set_dimensions(Some(dimensions))
                    .build();
                query
                    .metric_stat(
                        MetricStat::builder()
                            .metric(metric)
                            .stat(statistic)
                            .period(*seconds)
                            .build(),
                    )
                    .build()
            }
        }
    }

    fn from_sdk(query: &MetricDataQuery) -> Self {
        let what = match query.metric_stat() {
            Some(stat) => {
                let metric = stat.metric();
                AlarmKind::Metric {
                    namespace: metric
                        .and_then(Metric::namespace)
                        .unwrap_or_default()
                        .to_owned(),
                    name: metric
                        .and_then(Metric::metric_name)
                        .unwrap_or_default()
                        .to_owned(),
                    dimensions: dimensions(metric.map(Metric::dimensions).unwrap_or_default()),
                    statistic: stat.stat().unwrap_or_default().to_owned(),
                    seconds: stat.period().unwrap_or_default(),
                }
            }
            None => AlarmKind::Expression(query.expression().unwrap_or_default().to_owned()),
        };
        Self {
            id: query.id().unwrap_or_default().to_owned(),
            what,
            returned: query.return_data().unwrap_or(true),
        }
    }

    /// Converts an alarm with a single metric, without queries.
    fn from_plain(alarm: &MetricAlarm) -> Self {
        let what = AlarmKind::Metric {
            namespace: alarm.namespace().unwrap_or_default().to_owned(),
            name: alarm.metric_name().unwrap_or_default().to_owned(),
            dimensions: dimensions(alarm.dimensions()),
            statistic: alarm
                .statistic()
                .map(|s| s.as_str().to_owned())
                .or_else(|| alarm.extended_statistic.clone())
                .unwrap_or_default(),
            seconds: alarm.period().unwrap_or_default(),
        };
        Self {
            id: String::new(),
            what,
            returned: true,
        }
    }
}

fn some(items: &[String]) -> Option<Vec<String>> {
    (!items.is_empty()).then(|| items.to_vec())
}

fn dimensions(dimensions: &[Dimension]) -> BTreeMap<String, String> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    dimensions
        .iter()
        .map(|dimension| (text(dimension.name()), text(dimension.value())))
        .collect()
}

async fn get_tags(aws: &AwsProvider, arn: &str) -> Result<Option<Tags>, AwsError> {
    let answer = found(
        aws.read(
            TAGS,
            arn,
            aws.clients
                .cloudwatch
                .list_tags_for_resource()
                .resource_arn(arn)
                .send(),
        )
        .await,
        ABSENT,
    )?;
    let text = |text: Option<String>| text.unwrap_or_default();
    Ok(answer.map(|answer| {
        answer
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| (text(tag.key), text(tag.value)))
            .collect()
    }))
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

#[cfg(test)]
mod tests;
