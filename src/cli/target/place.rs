//! Where bucket and table are: found if they are elsewhere than asked, and said.

use super::which::named_region;
use crate::{
    backend::aws::{
        AwsProvider,
        error::AwsError,
        store::{S3Store, StoreAddress},
    },
    cli::{context::Context, explain, failure::CliError},
    settings::names::Region,
};

/// What is asked for.
pub(super) struct LocateRequest {
    pub aws: AwsProvider,
    pub address: StoreAddress,
    /// Whether somebody named the region that `aws` is in.
    pub region_said: bool,
}

/// What is there. Without a table where there is none.
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
    pub fn into_failure(self) -> CliError {
        match self {
            Self::Bucket(failure) | Self::Other(failure) => failure,
        }
    }
}

/// Goes to the region of the bucket, where `connect` is asked to go.
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
        .look(S3Store::new(&asked, &address).region())
        .await
        .map_err(MissingPart::Other)?;
    let there = match there {
        Ok(Some(there)) => there,
        Ok(None) => {
            return Err(MissingPart::Bucket(CliError::failed(format!(
                "there is no bucket {bucket}"
            ))));
        }
        // Those who may only use one state may not look at the bucket: the next call says what is
        // wrong, if anything is.
        Err(error) if error.status == Some(403) => asked.region.clone(),
        Err(error) => {
            let failure =
                CliError::failed(format!("bucket {bucket} cannot be looked at")).because(&error);
            return Err(MissingPart::Other(explain::aws(failure, &error, None)));
        }
    };
    let (mut notes, mut missing_table) = (vec![], None);
    let aws = if there == asked.region {
        asked.clone()
    } else {
        notes.extend(region_said.then(|| {
            format!(
                "the bucket is in {there}, not in {}; looked there",
                asked.region
            )
        }));
        let nonsense = |error| {
            MissingPart::Other(CliError::failed(format!(
                "S3 names a region that is none: {error}"
            )))
        };
        connect(&named_region(&there).map_err(nonsense)?, cx)
            .await
            .map_err(MissingPart::Other)?
    };
    if let Some(table) = address.table.clone() {
        match cx
            .look(table_region(
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
                    "table {table} is in {region}, and the bucket in {}: Terraform looks for both \
                     in one region; the table is left out",
                    aws.region
                ));
            }
            StorePlace::Nowhere => {
                address.table = None;
                notes.push(format!(
                    "there is no table {table} in {}: Terraform cannot lock with it, and it is \
                     left out",
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

/// What cannot be looked at is taken to be there: the next call says what is wrong.
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
