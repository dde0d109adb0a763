//! Locates bucket and table, also if they are in another region than given, and reports that.

use super::resolve::named_region;
use crate::{
    backend::aws::{
        AwsProvider,
        error::AwsError,
        store::{S3Store, StoreAddress},
    },
    cli::{context::Context, explain, failure::CliError},
    settings::names::Region,
};

/// The bucket and table to locate.
pub(super) struct LocateRequest {
    pub aws: AwsProvider,
    pub address: StoreAddress,
    /// True if the region of `aws` was set explicitly.
    pub region_said: bool,
}

/// The located bucket and table; without a table if there is none.
pub(super) struct LocatedBackend {
    pub aws: AwsProvider,
    pub address: StoreAddress,
    /// The table that was named, and is not there.
    pub missing_table: Option<String>,
    pub notes: Vec<String>,
}

pub(super) enum MissingPart {
    /// There is no such bucket.
    Bucket(CliError),
    Other(CliError),
}

impl MissingPart {
    pub(super) fn into_failure(self) -> CliError {
        match self {
            Self::Bucket(failure) | Self::Other(failure) => failure,
        }
    }
}

/// Connects to the region of the bucket with `connect`.
pub(super) async fn find(
    start: LocateRequest,
    connect: impl AsyncFn(&Region, &mut Context<'_>) -> Result<AwsProvider, CliError>,
    cx: &mut Context<'_>,
) -> Result<LocatedBackend, MissingPart> {
    let LocateRequest {
        aws: asked,
        mut address,
        region_said,
    } = start;
    let bucket = address.bucket.clone();
    let there = cx
        .until_cancelled(S3Store::new(&asked, &address).region())
        .await
        .map_err(MissingPart::Other)?;
    let there = match there {
        Ok(Some(there)) => there,
        Ok(None) => {
            return Err(MissingPart::Bucket(CliError::failed(format!(
                "there is no bucket {bucket}"
            ))));
        }
        // A principal with access to one state may not read the bucket: the next call reports an
        // error, if any.
        Err(error) if error.status == Some(403) => asked.region.clone(),
        Err(error) => {
            let failure = CliError::failed(format!("cannot read bucket {bucket}")).because(&error);
            return Err(MissingPart::Other(explain::aws(failure, &error, None)));
        }
    };
    let (mut notes, mut missing_table) = (vec![], None);
    let aws = if there == asked.region {
        asked.clone()
    } else {
        notes.extend(region_said.then(|| {
            format!(
                "the bucket is in {there}, not in {}; using {there}",
                asked.region
            )
        }));
        let nonsense = |error| {
            MissingPart::Other(CliError::failed(format!(
                "S3 returned an invalid region: {error}"
            )))
        };
        connect(&named_region(&there).map_err(nonsense)?, cx)
            .await
            .map_err(MissingPart::Other)?
    };
    if let Some(table) = address.table.clone() {
        match cx
            .until_cancelled(table_region(
                &table,
                &aws,
                region_said.then_some(&asked),
                &address,
            ))
            .await
            .map_err(MissingPart::Other)?
        {
            StorePlace::Here => {}
            StorePlace::Elsewhere(region) => {
                address.table = None;
                notes.push(format!(
                    "table {table} is in {region}, and the bucket in {}: Terraform expects both \
                     in one region; the table is ignored",
                    aws.region
                ));
            }
            StorePlace::Nowhere => {
                address.table = None;
                notes.push(format!(
                    "there is no table {table} in {}: Terraform cannot lock with it, and it is \
                     ignored",
                    aws.region
                ));
                missing_table = Some(table);
            }
        }
    }
    Ok(LocatedBackend {
        aws,
        address,
        missing_table,
        notes,
    })
}

enum StorePlace {
    Here,
    Elsewhere(String),
    Nowhere,
}

/// A table that cannot be read counts as existing: the next call reports the error.
async fn table_region(
    table: &str,
    aws: &AwsProvider,
    asked: Option<&AwsProvider>,
    address: &StoreAddress,
) -> StorePlace {
    if let Some(region) = table
        .strip_prefix("arn:")
        .and_then(|rest| rest.split(':').nth(2))
        .filter(|region| *region != aws.region)
    {
        return StorePlace::Elsewhere(region.to_owned());
    }
    let is_there = |found: &Result<bool, AwsError>| !matches!(found, Ok(false));
    if is_there(&S3Store::new(aws, address).has_table().await) {
        return StorePlace::Here;
    }
    match asked.filter(|asked| asked.region != aws.region) {
        Some(asked) if matches!(S3Store::new(asked, address).has_table().await, Ok(true)) => {
            StorePlace::Elsewhere(asked.region.clone())
        }
        _ => StorePlace::Nowhere,
    }
}
