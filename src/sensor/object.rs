//! Objects in buckets: whether one is there, in S3, Google's or Azure's store or in one that speaks as they do.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt as _, RetryConfig};
use reqwest::Url;

use crate::duration;
use crate::pipeline::sensor::{self, Object};

use super::answer::Seen;

/// A store must have answered within this.
const ANSWER: Duration = Duration::from_secs(30);

/// A question for an object that can be asked any number of times.
pub(super) struct Request {
    object: Object,
    /// Scheme and bucket.
    server: String,
    path: Path,
    store: OnceLock<Arc<dyn ObjectStore>>,
}

/// Stores that somebody asks; thousands may ask one, and it has one set of connections and credentials.
#[derive(Debug, Default)]
pub(super) struct Stores(Mutex<HashMap<StoreKey, Weak<dyn ObjectStore>>>);

/// A bucket, with the settings it is reached by.
type StoreKey = (String, Settings);

/// By their names in the `object_store` crate.
type Settings = Vec<(&'static str, String)>;

impl Request {
    /// The error says why this can never be asked.
    pub(super) fn new(object: &Object) -> Result<Self, String> {
        let shown = &object.url;
        let url =
            Url::parse(shown).map_err(|error| format!("`{shown}` is no address of an object: {error}"))?;
        let path = Path::from_url_path(url.path()).map_err(|error| format!("`{shown}`: {error}"))?;
        let bucket = url.host_str().unwrap_or_default();
        if bucket.is_empty() || path.as_ref().is_empty() {
            return Err(format!("`{shown}` must name a bucket and a key in it"));
        }
        let server = format!("{}://{bucket}", url.scheme());
        Ok(Self { object: object.clone(), server, path, store: OnceLock::new() })
    }

    /// Whom it asks.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Asks once.
    pub(super) async fn ask(&self, stores: &Stores) -> Seen {
        let shown = &self.object.url;
        let store = match self.store.get() {
            Some(store) => store,
            None => match self.reach(stores) {
                Ok(store) => self.store.get_or_init(|| store),
                Err(why) => return Seen::Broken(why),
            },
        };
        match tokio::time::timeout(ANSWER, store.head(&self.path)).await {
            Ok(Ok(meta)) => Seen::Met(format!("{shown} is there, {} bytes", meta.size)),
            Ok(Err(error)) => Seen::not_yet(self.trouble(&error)),
            Err(_) => Seen::not_yet(format!("no answer about {shown} within {}", duration::show(ANSWER))),
        }
    }

    fn reach(&self, stores: &Stores) -> Result<Arc<dyn ObjectStore>, String> {
        let settings = settings(&self.object);
        let key = (self.server.clone(), settings.clone());
        let mut stores = stores.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.get(&key).and_then(Weak::upgrade) {
            return Ok(store);
        }
        let store = match self.object.store {
            sensor::ObjectStore::S3 { .. } => amazon(&self.server, &settings),
            sensor::ObjectStore::Gcs { .. } => google(&self.server, &settings),
            sensor::ObjectStore::Azure { .. } => azure(&self.server, &settings),
        };
        let store = store.map_err(|error| format!("{} cannot be reached: {}", self.server, cause(&error)))?;
        stores.retain(|_, store| store.strong_count() > 0);
        stores.insert(key, Arc::downgrade(&store));
        Ok(store)
    }

    fn trouble(&self, error: &Error) -> String {
        let shown = &self.object.url;
        if matches!(error, Error::NotFound { .. }) {
            format!("no object {shown}")
        } else if matches!(error, Error::PermissionDenied { .. }) {
            format!(
                "access to {shown} is denied; where one may not list a bucket, a key that is not there is \
                 answered so too"
            )
        } else if matches!(error, Error::Unauthenticated { .. }) {
            format!("{}'s store does not know who asks for {shown}", self.server)
        } else {
            format!("no answer about {shown}: {}", cause(error))
        }
    }
}

impl fmt::Debug for Request {
    /// Leaves out what may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("server", &self.server).finish_non_exhaustive()
    }
}

/// What the question says of the store. The rest is taken from the environment, as the vendors' own tools do.
fn settings(object: &Object) -> Settings {
    let mut settings = Vec::new();
    let mut set = |name, value: &Option<Box<str>>| {
        settings.extend(value.as_deref().map(|value| (name, value.to_owned())));
    };
    match &object.store {
        sensor::ObjectStore::S3 { region, keys } => {
            set("endpoint", &object.endpoint);
            set("region", region);
            if let Some((id, secret)) = keys {
                set("access_key_id", &Some(id.clone()));
                set("secret_access_key", &Some(secret.clone()));
            }
        }
        sensor::ObjectStore::Gcs { service_account } => {
            set("base_url", &object.endpoint);
            set("service_account_key", service_account);
        }
        sensor::ObjectStore::Azure { account, access_key } => {
            set("endpoint", &object.endpoint);
            set("account_name", &Some(account.clone()));
            set("access_key", access_key);
        }
    }
    settings
}

/// Whether a store is reached without TLS, because its endpoint says so.
fn is_plain(settings: &Settings) -> bool {
    settings
        .iter()
        .any(|(name, value)| ["endpoint", "base_url"].contains(name) && value.starts_with("http://"))
}

fn amazon(bucket: &str, settings: &Settings) -> Result<Arc<dyn ObjectStore>, Error> {
    let mut builder = AmazonS3Builder::from_env().with_url(bucket).with_retry(once());
    for (name, value) in settings {
        builder = builder.with_config(name.parse()?, value);
    }
    if is_plain(settings) {
        builder = builder.with_allow_http(true);
    }
    Ok(Arc::new(builder.build()?))
}

fn google(bucket: &str, settings: &Settings) -> Result<Arc<dyn ObjectStore>, Error> {
    let mut builder = GoogleCloudStorageBuilder::from_env().with_url(bucket).with_retry(once());
    for (name, value) in settings {
        builder = builder.with_config(name.parse()?, value);
    }
    if is_plain(settings) {
        builder = builder.with_client_options(ClientOptions::new().with_allow_http(true));
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(container: &str, settings: &Settings) -> Result<Arc<dyn ObjectStore>, Error> {
    let mut builder = MicrosoftAzureBuilder::from_env().with_url(container).with_retry(once());
    for (name, value) in settings {
        builder = builder.with_config(name.parse()?, value);
    }
    if is_plain(settings) {
        builder = builder.with_allow_http(true);
    }
    Ok(Arc::new(builder.build()?))
}

/// The pauses between tries are the sensor's own.
fn once() -> RetryConfig {
    RetryConfig { max_retries: 0, retry_timeout: ANSWER, ..RetryConfig::default() }
}

/// What is at the bottom of an error; the layers above it show addresses and repeat it.
fn cause(error: &Error) -> String {
    let mut at: &dyn std::error::Error = error;
    while let Some(below) = at.source() {
        at = below;
    }
    at.to_string()
}
