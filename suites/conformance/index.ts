// Made by `npm run generate` of the files that export a check; a test compares.

import { check as pluginV1Authority } from "./plugin/v1-authority.ts";
import { check as pluginV1CancelledCalls } from "./plugin/v1-cancelled-calls.ts";
import { check as pluginV1ConcurrentCallers } from "./plugin/v1-concurrent-callers.ts";
import { check as pluginV1Connections } from "./plugin/v1-connections.ts";
import { check as pluginV1DecryptAnything } from "./plugin/v1-decrypt-anything.ts";
import { check as pluginV1DecryptEmpty } from "./plugin/v1-decrypt-empty.ts";
import { check as pluginV1DecryptExchanged } from "./plugin/v1-decrypt-exchanged.ts";
import { check as pluginV1DecryptExtended } from "./plugin/v1-decrypt-extended.ts";
import { check as pluginV1DecryptFlipped } from "./plugin/v1-decrypt-flipped.ts";
import { check as pluginV1DecryptMany } from "./plugin/v1-decrypt-many.ts";
import { check as pluginV1DecryptRandom } from "./plugin/v1-decrypt-random.ts";
import { check as pluginV1DecryptRepeat } from "./plugin/v1-decrypt-repeat.ts";
import { check as pluginV1DecryptTruncated } from "./plugin/v1-decrypt-truncated.ts";
import { check as pluginV1EncryptCiphertextGiven } from "./plugin/v1-encrypt-ciphertext-given.ts";
import { check as pluginV1EncryptCiphertextLimit } from "./plugin/v1-encrypt-ciphertext-limit.ts";
import { check as pluginV1EncryptCiphertextShort } from "./plugin/v1-encrypt-ciphertext-short.ts";
import { check as pluginV1EncryptFresh } from "./plugin/v1-encrypt-fresh.ts";
import { check as pluginV1EncryptHidesPlaintext } from "./plugin/v1-encrypt-hides-plaintext.ts";
import { check as pluginV1EncryptKeystream } from "./plugin/v1-encrypt-keystream.ts";
import { check as pluginV1EncryptPrefixFresh } from "./plugin/v1-encrypt-prefix-fresh.ts";
import { check as pluginV1ErrorsHideCiphertext } from "./plugin/v1-errors-hide-ciphertext.ts";
import { check as pluginV1ErrorsHidePlaintext } from "./plugin/v1-errors-hide-plaintext.ts";
import { check as pluginV1LargeRequests } from "./plugin/v1-large-requests.ts";
import { check as pluginV1LatencyDeadline } from "./plugin/v1-latency-deadline.ts";
import { check as pluginV1LatencyMargin } from "./plugin/v1-latency-margin.ts";
import { check as pluginV1MalformedMessages } from "./plugin/v1-malformed-messages.ts";
import { check as pluginV1OtherVersions } from "./plugin/v1-other-versions.ts";
import { check as pluginV1RestartFresh } from "./plugin/v1-restart-fresh.ts";
import { check as pluginV1RestartOldData } from "./plugin/v1-restart-old-data.ts";
import { check as pluginV1RestartRotatedData } from "./plugin/v1-restart-rotated-data.ts";
import { check as pluginV1RotateOldData } from "./plugin/v1-rotate-old-data.ts";
import { check as pluginV1RotateOldestData } from "./plugin/v1-rotate-oldest-data.ts";
import { check as pluginV1Roundtrip1 } from "./plugin/v1-roundtrip-1.ts";
import { check as pluginV1Roundtrip16 } from "./plugin/v1-roundtrip-16.ts";
import { check as pluginV1Roundtrip33 } from "./plugin/v1-roundtrip-33.ts";
import { check as pluginV1RoundtripBytes } from "./plugin/v1-roundtrip-bytes.ts";
import { check as pluginV1RoundtripDek } from "./plugin/v1-roundtrip-dek.ts";
import { check as pluginV1RoundtripEmpty } from "./plugin/v1-roundtrip-empty.ts";
import { check as pluginV1RoundtripLong } from "./plugin/v1-roundtrip-long.ts";
import { check as pluginV1RoundtripPing } from "./plugin/v1-roundtrip-ping.ts";
import { check as pluginV1RoundtripZeros } from "./plugin/v1-roundtrip-zeros.ts";
import { check as pluginV1UnknownFields } from "./plugin/v1-unknown-fields.ts";
import { check as pluginV1UnknownMethod } from "./plugin/v1-unknown-method.ts";
import { check as pluginV1Version } from "./plugin/v1-version.ts";
import { check as pluginV1VersionRuntime } from "./plugin/v1-version-runtime.ts";
import { check as pluginV1VersionStable } from "./plugin/v1-version-stable.ts";
import { check as pluginV1VersionUnderLoad } from "./plugin/v1-version-under-load.ts";
import { check as pluginV2AnnotationsHidePlaintext } from "./plugin/v2-annotations-hide-plaintext.ts";
import { check as pluginV2AnnotationsNames } from "./plugin/v2-annotations-names.ts";
import { check as pluginV2AnnotationsSize } from "./plugin/v2-annotations-size.ts";
import { check as pluginV2Authority } from "./plugin/v2-authority.ts";
import { check as pluginV2CancelledCalls } from "./plugin/v2-cancelled-calls.ts";
import { check as pluginV2ConcurrentCallers } from "./plugin/v2-concurrent-callers.ts";
import { check as pluginV2Connections } from "./plugin/v2-connections.ts";
import { check as pluginV2DecryptAnnotationsChanged } from "./plugin/v2-decrypt-annotations-changed.ts";
import { check as pluginV2DecryptAnnotationsMissing } from "./plugin/v2-decrypt-annotations-missing.ts";
import { check as pluginV2DecryptEmpty } from "./plugin/v2-decrypt-empty.ts";
import { check as pluginV2DecryptEmptyKeyid } from "./plugin/v2-decrypt-empty-keyid.ts";
import { check as pluginV2DecryptExchanged } from "./plugin/v2-decrypt-exchanged.ts";
import { check as pluginV2DecryptExtended } from "./plugin/v2-decrypt-extended.ts";
import { check as pluginV2DecryptFlipped } from "./plugin/v2-decrypt-flipped.ts";
import { check as pluginV2DecryptRandom } from "./plugin/v2-decrypt-random.ts";
import { check as pluginV2DecryptRepeat } from "./plugin/v2-decrypt-repeat.ts";
import { check as pluginV2DecryptTruncated } from "./plugin/v2-decrypt-truncated.ts";
import { check as pluginV2DecryptUnknownKeyid } from "./plugin/v2-decrypt-unknown-keyid.ts";
import { check as pluginV2EncryptCiphertextGiven } from "./plugin/v2-encrypt-ciphertext-given.ts";
import { check as pluginV2EncryptCiphertextLimit } from "./plugin/v2-encrypt-ciphertext-limit.ts";
import { check as pluginV2EncryptFresh } from "./plugin/v2-encrypt-fresh.ts";
import { check as pluginV2EncryptHidesPlaintext } from "./plugin/v2-encrypt-hides-plaintext.ts";
import { check as pluginV2EncryptKeyid } from "./plugin/v2-encrypt-keyid.ts";
import { check as pluginV2EncryptPrefixFresh } from "./plugin/v2-encrypt-prefix-fresh.ts";
import { check as pluginV2ErrorsHidePlaintext } from "./plugin/v2-errors-hide-plaintext.ts";
import { check as pluginV2LargeRequests } from "./plugin/v2-large-requests.ts";
import { check as pluginV2LatencyDeadline } from "./plugin/v2-latency-deadline.ts";
import { check as pluginV2LatencyMargin } from "./plugin/v2-latency-margin.ts";
import { check as pluginV2MalformedMessages } from "./plugin/v2-malformed-messages.ts";
import { check as pluginV2RestartFresh } from "./plugin/v2-restart-fresh.ts";
import { check as pluginV2RestartKeyid } from "./plugin/v2-restart-keyid.ts";
import { check as pluginV2RestartOldData } from "./plugin/v2-restart-old-data.ts";
import { check as pluginV2RestartRotatedData } from "./plugin/v2-restart-rotated-data.ts";
import { check as pluginV2RotateKeyid } from "./plugin/v2-rotate-keyid.ts";
import { check as pluginV2RotateKeyidNew } from "./plugin/v2-rotate-keyid-new.ts";
import { check as pluginV2RotateKeyidOnce } from "./plugin/v2-rotate-keyid-once.ts";
import { check as pluginV2RotateNewKey } from "./plugin/v2-rotate-new-key.ts";
import { check as pluginV2RotateOldData } from "./plugin/v2-rotate-old-data.ts";
import { check as pluginV2RotateOldestData } from "./plugin/v2-rotate-oldest-data.ts";
import { check as pluginV2Roundtrip1 } from "./plugin/v2-roundtrip-1.ts";
import { check as pluginV2Roundtrip16 } from "./plugin/v2-roundtrip-16.ts";
import { check as pluginV2Roundtrip33 } from "./plugin/v2-roundtrip-33.ts";
import { check as pluginV2RoundtripBytes } from "./plugin/v2-roundtrip-bytes.ts";
import { check as pluginV2RoundtripEmpty } from "./plugin/v2-roundtrip-empty.ts";
import { check as pluginV2RoundtripLong } from "./plugin/v2-roundtrip-long.ts";
import { check as pluginV2RoundtripSeed } from "./plugin/v2-roundtrip-seed.ts";
import { check as pluginV2RoundtripZeros } from "./plugin/v2-roundtrip-zeros.ts";
import { check as pluginV2SocketMode } from "./plugin/v2-socket-mode.ts";
import { check as pluginV2StatusHealthz } from "./plugin/v2-status-healthz.ts";
import { check as pluginV2StatusKeyidGiven } from "./plugin/v2-status-keyid-given.ts";
import { check as pluginV2StatusKeyidLimit } from "./plugin/v2-status-keyid-limit.ts";
import { check as pluginV2StatusKeyidShort } from "./plugin/v2-status-keyid-short.ts";
import { check as pluginV2StatusKeyidStable } from "./plugin/v2-status-keyid-stable.ts";
import { check as pluginV2StatusUnderLoad } from "./plugin/v2-status-under-load.ts";
import { check as pluginV2StatusVersion } from "./plugin/v2-status-version.ts";
import { check as pluginV2StatusVersionCurrent } from "./plugin/v2-status-version-current.ts";
import { check as pluginV2StatusVersionStable } from "./plugin/v2-status-version-stable.ts";
import { check as pluginV2UidIgnored } from "./plugin/v2-uid-ignored.ts";
import { check as pluginV2UnknownFields } from "./plugin/v2-unknown-fields.ts";
import { check as pluginV2UnknownMethod } from "./plugin/v2-unknown-method.ts";
import { check as envelopeAescbcIvOnce } from "./envelope/aescbc-iv-once.ts";
import { check as envelopeAescbcLength } from "./envelope/aescbc-length.ts";
import { check as envelopeAesgcmLength } from "./envelope/aesgcm-length.ts";
import { check as envelopeAesgcmNonceOnce } from "./envelope/aesgcm-nonce-once.ts";
import { check as envelopeBoundToKey } from "./envelope/bound-to-key.ts";
import { check as envelopeConfigured } from "./envelope/configured.ts";
import { check as envelopeCrossMigrated } from "./envelope/cross-migrated.ts";
import { check as envelopeCrossReadAescbc } from "./envelope/cross-read-aescbc.ts";
import { check as envelopeCrossReadAesgcm } from "./envelope/cross-read-aesgcm.ts";
import { check as envelopeCrossReadIdentity } from "./envelope/cross-read-identity.ts";
import { check as envelopeCrossReadKmsV1 } from "./envelope/cross-read-kms-v1.ts";
import { check as envelopeCrossReadKmsV1Cbc } from "./envelope/cross-read-kms-v1-cbc.ts";
import { check as envelopeCrossReadKmsV2 } from "./envelope/cross-read-kms-v2.ts";
import { check as envelopeCrossReadKmsV2Dek } from "./envelope/cross-read-kms-v2-dek.ts";
import { check as envelopeCrossReadSecretbox } from "./envelope/cross-read-secretbox.ts";
import { check as envelopeCrossWriteAescbc } from "./envelope/cross-write-aescbc.ts";
import { check as envelopeCrossWriteAesgcm } from "./envelope/cross-write-aesgcm.ts";
import { check as envelopeCrossWriteIdentity } from "./envelope/cross-write-identity.ts";
import { check as envelopeCrossWriteKmsV1 } from "./envelope/cross-write-kms-v1.ts";
import { check as envelopeCrossWriteKmsV2 } from "./envelope/cross-write-kms-v2.ts";
import { check as envelopeCrossWriteSecretbox } from "./envelope/cross-write-secretbox.ts";
import { check as envelopeEncrypted } from "./envelope/encrypted.ts";
import { check as envelopeHidden } from "./envelope/hidden.ts";
import { check as envelopeKmsV1DekOnce } from "./envelope/kms-v1-dek-once.ts";
import { check as envelopeKmsV1DekSize } from "./envelope/kms-v1-dek-size.ts";
import { check as envelopeKmsV1EdekLength } from "./envelope/kms-v1-edek-length.ts";
import { check as envelopeKmsV1EdekOnce } from "./envelope/kms-v1-edek-once.ts";
import { check as envelopeKmsV1Gcm } from "./envelope/kms-v1-gcm.ts";
import { check as envelopeKmsV1Payload } from "./envelope/kms-v1-payload.ts";
import { check as envelopeKmsV2AnnotationNames } from "./envelope/kms-v2-annotation-names.ts";
import { check as envelopeKmsV2AnnotationSize } from "./envelope/kms-v2-annotation-size.ts";
import { check as envelopeKmsV2Canonical } from "./envelope/kms-v2-canonical.ts";
import { check as envelopeKmsV2Data } from "./envelope/kms-v2-data.ts";
import { check as envelopeKmsV2DekSource } from "./envelope/kms-v2-dek-source.ts";
import { check as envelopeKmsV2Edek } from "./envelope/kms-v2-edek.ts";
import { check as envelopeKmsV2EdekContext } from "./envelope/kms-v2-edek-context.ts";
import { check as envelopeKmsV2EdekShared } from "./envelope/kms-v2-edek-shared.ts";
import { check as envelopeKmsV2InfoOnce } from "./envelope/kms-v2-info-once.ts";
import { check as envelopeKmsV2KeyId } from "./envelope/kms-v2-key-id.ts";
import { check as envelopeKmsV2NonceOnce } from "./envelope/kms-v2-nonce-once.ts";
import { check as envelopeKmsV2Protobuf } from "./envelope/kms-v2-protobuf.ts";
import { check as envelopeKmsV2Seed } from "./envelope/kms-v2-seed.ts";
import { check as envelopeKmsV2SeedSize } from "./envelope/kms-v2-seed-size.ts";
import { check as envelopeLength } from "./envelope/length.ts";
import { check as envelopeObjectName } from "./envelope/object-name.ts";
import { check as envelopeOneWriter } from "./envelope/one-writer.ts";
import { check as envelopeOpens } from "./envelope/opens.ts";
import { check as envelopePrefix } from "./envelope/prefix.ts";
import { check as envelopeRefusedKmsV1Length } from "./envelope/refused-kms-v1-length.ts";
import { check as envelopeRefusedKmsV2Annotations } from "./envelope/refused-kms-v2-annotations.ts";
import { check as envelopeRefusedKmsV2Data } from "./envelope/refused-kms-v2-data.ts";
import { check as envelopeRefusedKmsV2DekSource } from "./envelope/refused-kms-v2-dek-source.ts";
import { check as envelopeRefusedKmsV2Edek } from "./envelope/refused-kms-v2-edek.ts";
import { check as envelopeRefusedKmsV2KeyId } from "./envelope/refused-kms-v2-key-id.ts";
import { check as envelopeRefusedKmsV2Limits } from "./envelope/refused-kms-v2-limits.ts";
import { check as envelopeRefusedKmsV2Protobuf } from "./envelope/refused-kms-v2-protobuf.ts";
import { check as envelopeRefusedOtherKey } from "./envelope/refused-other-key.ts";
import { check as envelopeRefusedPrefix } from "./envelope/refused-prefix.ts";
import { check as envelopeRefusedShort } from "./envelope/refused-short.ts";
import { check as envelopeRefusedTampered } from "./envelope/refused-tampered.ts";
import { check as envelopeSecretboxLength } from "./envelope/secretbox-length.ts";
import { check as envelopeSecretboxNonceOnce } from "./envelope/secretbox-nonce-once.ts";
import { check as apiserverAad01Bound } from "./apiserver/aad-01-bound.ts";
import { check as apiserverAad02NotBound } from "./apiserver/aad-02-not-bound.ts";
import { check as apiserverAad03EtcdKey } from "./apiserver/aad-03-etcd-key.ts";
import { check as apiserverEc01NothingGiven } from "./apiserver/ec-01-nothing-given.ts";
import { check as apiserverEc02OneProvider } from "./apiserver/ec-02-one-provider.ts";
import { check as apiserverEc03KmsName } from "./apiserver/ec-03-kms-name.ts";
import { check as apiserverEc04KmsTimeout } from "./apiserver/ec-04-kms-timeout.ts";
import { check as apiserverEc05KmsEndpoint } from "./apiserver/ec-05-kms-endpoint.ts";
import { check as apiserverEc06KmsCachesize } from "./apiserver/ec-06-kms-cachesize.ts";
import { check as apiserverEc07KmsVersion } from "./apiserver/ec-07-kms-version.ts";
import { check as apiserverEc08LocalKeys } from "./apiserver/ec-08-local-keys.ts";
import { check as apiserverEc08ResourceNames } from "./apiserver/ec-08-resource-names.ts";
import { check as apiserverEc09UnknownField } from "./apiserver/ec-09-unknown-field.ts";
import { check as apiserverEc10Overlap } from "./apiserver/ec-10-overlap.ts";
import { check as apiserverFr01Prefix } from "./apiserver/fr-01-prefix.ts";
import { check as apiserverFr02AllRead } from "./apiserver/fr-02-all-read.ts";
import { check as apiserverFr02ReadOrder } from "./apiserver/fr-02-read-order.ts";
import { check as apiserverFr03StaleKey } from "./apiserver/fr-03-stale-key.ts";
import { check as apiserverFr03StaleProvider } from "./apiserver/fr-03-stale-provider.ts";
import { check as apiserverFr04ReadsWriteNothing } from "./apiserver/fr-04-reads-write-nothing.ts";
import { check as apiserverFr05NoOpUpdate } from "./apiserver/fr-05-no-op-update.ts";
import { check as apiserverFr06UnknownPrefix } from "./apiserver/fr-06-unknown-prefix.ts";
import { check as apiserverFr07IdentityFirst } from "./apiserver/fr-07-identity-first.ts";
import { check as apiserverFr08NoPlaintext } from "./apiserver/fr-08-no-plaintext.ts";
import { check as apiserverFr09ResourceLookup } from "./apiserver/fr-09-resource-lookup.ts";
import { check as apiserverFr10NeverEncrypted } from "./apiserver/fr-10-never-encrypted.ts";
import { check as apiserverHz01WithReload } from "./apiserver/hz-01-with-reload.ts";
import { check as apiserverHz01WithoutReload } from "./apiserver/hz-01-without-reload.ts";
import { check as apiserverK101EdekLength } from "./apiserver/k1-01-edek-length.ts";
import { check as apiserverK102DekPerWrite } from "./apiserver/k1-02-dek-per-write.ts";
import { check as apiserverK103EncryptPerWrite } from "./apiserver/k1-03-encrypt-per-write.ts";
import { check as apiserverK104OwnWrites } from "./apiserver/k1-04-own-writes.ts";
import { check as apiserverK105CacheOverrun } from "./apiserver/k1-05-cache-overrun.ts";
import { check as apiserverK106VersionFirst } from "./apiserver/k1-06-version-first.ts";
import { check as apiserverK106VersionRefused } from "./apiserver/k1-06-version-refused.ts";
import { check as apiserverK107Gcm } from "./apiserver/k1-07-gcm.ts";
import { check as apiserverK107LegacyCbc } from "./apiserver/k1-07-legacy-cbc.ts";
import { check as apiserverK108Restart } from "./apiserver/k1-08-restart.ts";
import { check as apiserverK109Probe } from "./apiserver/k1-09-probe.ts";
import { check as apiserverK110Gate } from "./apiserver/k1-10-gate.ts";
import { check as apiserverK111VersionField } from "./apiserver/k1-11-version-field.ts";
import { check as apiserverK201Limits } from "./apiserver/k2-01-limits.ts";
import { check as apiserverK202SourceType } from "./apiserver/k2-02-source-type.ts";
import { check as apiserverK203ExtendedNonce } from "./apiserver/k2-03-extended-nonce.ts";
import { check as apiserverK204InfoPerWrite } from "./apiserver/k2-04-info-per-write.ts";
import { check as apiserverK205WritesAlone } from "./apiserver/k2-05-writes-alone.ts";
import { check as apiserverK206Start } from "./apiserver/k2-06-start.ts";
import { check as apiserverK207PollPeriod } from "./apiserver/k2-07-poll-period.ts";
import { check as apiserverK208HealthTraffic } from "./apiserver/k2-08-health-traffic.ts";
import { check as apiserverK209Rotation } from "./apiserver/k2-09-rotation.ts";
import { check as apiserverK210SameKey } from "./apiserver/k2-10-same-key.ts";
import { check as apiserverK211KeyMismatch } from "./apiserver/k2-11-key-mismatch.ts";
import { check as apiserverK212WriteExpiry } from "./apiserver/k2-12-write-expiry.ts";
import { check as apiserverK213ExpiredReads } from "./apiserver/k2-13-expired-reads.ts";
import { check as apiserverK214SickWrites } from "./apiserver/k2-14-sick-writes.ts";
import { check as apiserverK215StatusVersion } from "./apiserver/k2-15-status-version.ts";
import { check as apiserverK216KeyIdLength } from "./apiserver/k2-16-key-id-length.ts";
import { check as apiserverK217CiphertextLength } from "./apiserver/k2-17-ciphertext-length.ts";
import { check as apiserverK218Annotations } from "./apiserver/k2-18-annotations.ts";
import { check as apiserverK219DecryptRequest } from "./apiserver/k2-19-decrypt-request.ts";
import { check as apiserverK220ConcurrentRestart } from "./apiserver/k2-20-concurrent-restart.ts";
import { check as apiserverK220SerialRestart } from "./apiserver/k2-20-serial-restart.ts";
import { check as apiserverK221CachedSource } from "./apiserver/k2-21-cached-source.ts";
import { check as apiserverK222OtherCiphertext } from "./apiserver/k2-22-other-ciphertext.ts";
import { check as apiserverK223KeyReturns } from "./apiserver/k2-23-key-returns.ts";
import { check as apiserverK224ColdStart } from "./apiserver/k2-24-cold-start.ts";
import { check as apiserverK225StoredDek } from "./apiserver/k2-25-stored-dek.ts";
import { check as apiserverK226Authority } from "./apiserver/k2-26-authority.ts";
import { check as apiserverK227Metrics } from "./apiserver/k2-27-metrics.ts";
import { check as apiserverK228RefusedValues } from "./apiserver/k2-28-refused-values.ts";
import { check as apiserverLp01Aescbc } from "./apiserver/lp-01-aescbc.ts";
import { check as apiserverLp02Aesgcm } from "./apiserver/lp-02-aesgcm.ts";
import { check as apiserverLp03Secretbox } from "./apiserver/lp-03-secretbox.ts";
import { check as apiserverLp04Tampered } from "./apiserver/lp-04-tampered.ts";
import { check as apiserverMg01ReplaceAll } from "./apiserver/mg-01-replace-all.ts";
import { check as apiserverMg02NothingLeft } from "./apiserver/mg-02-nothing-left.ts";
import { check as apiserverRd01Transforms } from "./apiserver/rd-01-transforms.ts";
import { check as apiserverRd02OneBroken } from "./apiserver/rd-02-one-broken.ts";
import { check as apiserverRd03ConsistencyReads } from "./apiserver/rd-03-consistency-reads.ts";
import { check as apiserverRl01Reload } from "./apiserver/rl-01-reload.ts";
import { check as apiserverRl02WrongFile } from "./apiserver/rl-02-wrong-file.ts";
import { check as apiserverRl03UnhealthyPlugin } from "./apiserver/rl-03-unhealthy-plugin.ts";
import { check as apiserverRl04ColdCaches } from "./apiserver/rl-04-cold-caches.ts";
import { check as apiserverSz01StoredLength } from "./apiserver/sz-01-stored-length.ts";
import { check as securityApiAuthenticated } from "./security/api-authenticated.ts";
import { check as securityEtcdFolderMode } from "./security/etcd-folder-mode.ts";
import { check as securityIdentityBehind } from "./security/identity-behind.ts";
import { check as securityIdentityFirst } from "./security/identity-first.ts";
import { check as securityKeyFilesMode } from "./security/key-files-mode.ts";
import { check as securityMovedAescbc } from "./security/moved-aescbc.ts";
import { check as securityMovedAesgcm } from "./security/moved-aesgcm.ts";
import { check as securityMovedKmsV1 } from "./security/moved-kms-v1.ts";
import { check as securityMovedKmsV2 } from "./security/moved-kms-v2.ts";
import { check as securityMovedSecretbox } from "./security/moved-secretbox.ts";
import { check as securityPlainTextRefused } from "./security/plain-text-refused.ts";
import { check as securityRandomUniform } from "./security/random-uniform.ts";
import { check as securityRandomUnique } from "./security/random-unique.ts";
import { check as securitySearchApiServerLog } from "./security/search-api-server-log.ts";
import { check as securitySearchCredentials } from "./security/search-credentials.ts";
import { check as securitySearchDatabase } from "./security/search-database.ts";
import { check as securitySearchEtcdLog } from "./security/search-etcd-log.ts";
import { check as securitySearchKeys } from "./security/search-keys.ts";
import { check as securitySearchPluginLog } from "./security/search-plugin-log.ts";
import { check as securitySearchRevisions } from "./security/search-revisions.ts";
import { check as securitySearchRunFolder } from "./security/search-run-folder.ts";
import { check as securitySearchSnapshots } from "./security/search-snapshots.ts";
import { check as securitySearchWal } from "./security/search-wal.ts";
import { check as securitySocketMode } from "./security/socket-mode.ts";
import { check as securityTamperedAescbc } from "./security/tampered-aescbc.ts";
import { check as securityTamperedAesgcm } from "./security/tampered-aesgcm.ts";
import { check as securityTamperedKmsV1 } from "./security/tampered-kms-v1.ts";
import { check as securityTamperedKmsV2 } from "./security/tampered-kms-v2.ts";
import { check as securityTamperedSecretbox } from "./security/tampered-secretbox.ts";
import { check as securityTlsApiServer } from "./security/tls-api-server.ts";
import { check as securityTlsEtcd } from "./security/tls-etcd.ts";
import { check as configAescbc } from "./config/aescbc.ts";
import { check as configAesgcm } from "./config/aesgcm.ts";
import { check as configCachesize } from "./config/cachesize.ts";
import { check as configDecodable } from "./config/decodable.ts";
import { check as configEndpointsOnce } from "./config/endpoints-once.ts";
import { check as configFileMode } from "./config/file-mode.ts";
import { check as configIdentityBehind } from "./config/identity-behind.ts";
import { check as configIdentityFirst } from "./config/identity-first.ts";
import { check as configKeyLengths } from "./config/key-lengths.ts";
import { check as configKeyNames } from "./config/key-names.ts";
import { check as configKeysOnce } from "./config/keys-once.ts";
import { check as configKmsCachesize } from "./config/kms-cachesize.ts";
import { check as configKmsEndpoint } from "./config/kms-endpoint.ts";
import { check as configKmsName } from "./config/kms-name.ts";
import { check as configKmsTimeout } from "./config/kms-timeout.ts";
import { check as configKmsV1 } from "./config/kms-v1.ts";
import { check as configKmsVersion } from "./config/kms-version.ts";
import { check as configLocalKeys } from "./config/local-keys.ts";
import { check as configLocalKeysApart } from "./config/local-keys-apart.ts";
import { check as configNothingMissing } from "./config/nothing-missing.ts";
import { check as configOneProvider } from "./config/one-provider.ts";
import { check as configOverlap } from "./config/overlap.ts";
import { check as configProviderOrder } from "./config/provider-order.ts";
import { check as configResourceNames } from "./config/resource-names.ts";
import { check as configSecretbox } from "./config/secretbox.ts";
import { check as configSecretsCovered } from "./config/secrets-covered.ts";
import { check as configSockets } from "./config/sockets.ts";
import { check as configTimeout } from "./config/timeout.ts";
import type { Check } from "./check.ts";
import type { PluginSubject } from "./plugin-subject.ts";
import type { EnvelopeSubject } from "./envelope-subject.ts";
import type { ApiserverSubject } from "./apiserver-subject.ts";
import type { SecuritySubject } from "./security-subject.ts";
import type { ConfigSubject } from "./config-subject.ts";

export const pluginChecks: readonly Check<PluginSubject>[] = [
  pluginV1Authority,
  pluginV1CancelledCalls,
  pluginV1ConcurrentCallers,
  pluginV1Connections,
  pluginV1DecryptAnything,
  pluginV1DecryptEmpty,
  pluginV1DecryptExchanged,
  pluginV1DecryptExtended,
  pluginV1DecryptFlipped,
  pluginV1DecryptMany,
  pluginV1DecryptRandom,
  pluginV1DecryptRepeat,
  pluginV1DecryptTruncated,
  pluginV1EncryptCiphertextGiven,
  pluginV1EncryptCiphertextLimit,
  pluginV1EncryptCiphertextShort,
  pluginV1EncryptFresh,
  pluginV1EncryptHidesPlaintext,
  pluginV1EncryptKeystream,
  pluginV1EncryptPrefixFresh,
  pluginV1ErrorsHideCiphertext,
  pluginV1ErrorsHidePlaintext,
  pluginV1LargeRequests,
  pluginV1LatencyDeadline,
  pluginV1LatencyMargin,
  pluginV1MalformedMessages,
  pluginV1OtherVersions,
  pluginV1RestartFresh,
  pluginV1RestartOldData,
  pluginV1RestartRotatedData,
  pluginV1RotateOldData,
  pluginV1RotateOldestData,
  pluginV1Roundtrip1,
  pluginV1Roundtrip16,
  pluginV1Roundtrip33,
  pluginV1RoundtripBytes,
  pluginV1RoundtripDek,
  pluginV1RoundtripEmpty,
  pluginV1RoundtripLong,
  pluginV1RoundtripPing,
  pluginV1RoundtripZeros,
  pluginV1UnknownFields,
  pluginV1UnknownMethod,
  pluginV1Version,
  pluginV1VersionRuntime,
  pluginV1VersionStable,
  pluginV1VersionUnderLoad,
  pluginV2AnnotationsHidePlaintext,
  pluginV2AnnotationsNames,
  pluginV2AnnotationsSize,
  pluginV2Authority,
  pluginV2CancelledCalls,
  pluginV2ConcurrentCallers,
  pluginV2Connections,
  pluginV2DecryptAnnotationsChanged,
  pluginV2DecryptAnnotationsMissing,
  pluginV2DecryptEmpty,
  pluginV2DecryptEmptyKeyid,
  pluginV2DecryptExchanged,
  pluginV2DecryptExtended,
  pluginV2DecryptFlipped,
  pluginV2DecryptRandom,
  pluginV2DecryptRepeat,
  pluginV2DecryptTruncated,
  pluginV2DecryptUnknownKeyid,
  pluginV2EncryptCiphertextGiven,
  pluginV2EncryptCiphertextLimit,
  pluginV2EncryptFresh,
  pluginV2EncryptHidesPlaintext,
  pluginV2EncryptKeyid,
  pluginV2EncryptPrefixFresh,
  pluginV2ErrorsHidePlaintext,
  pluginV2LargeRequests,
  pluginV2LatencyDeadline,
  pluginV2LatencyMargin,
  pluginV2MalformedMessages,
  pluginV2RestartFresh,
  pluginV2RestartKeyid,
  pluginV2RestartOldData,
  pluginV2RestartRotatedData,
  pluginV2RotateKeyid,
  pluginV2RotateKeyidNew,
  pluginV2RotateKeyidOnce,
  pluginV2RotateNewKey,
  pluginV2RotateOldData,
  pluginV2RotateOldestData,
  pluginV2Roundtrip1,
  pluginV2Roundtrip16,
  pluginV2Roundtrip33,
  pluginV2RoundtripBytes,
  pluginV2RoundtripEmpty,
  pluginV2RoundtripLong,
  pluginV2RoundtripSeed,
  pluginV2RoundtripZeros,
  pluginV2SocketMode,
  pluginV2StatusHealthz,
  pluginV2StatusKeyidGiven,
  pluginV2StatusKeyidLimit,
  pluginV2StatusKeyidShort,
  pluginV2StatusKeyidStable,
  pluginV2StatusUnderLoad,
  pluginV2StatusVersion,
  pluginV2StatusVersionCurrent,
  pluginV2StatusVersionStable,
  pluginV2UidIgnored,
  pluginV2UnknownFields,
  pluginV2UnknownMethod,
];

export const envelopeChecks: readonly Check<EnvelopeSubject>[] = [
  envelopeAescbcIvOnce,
  envelopeAescbcLength,
  envelopeAesgcmLength,
  envelopeAesgcmNonceOnce,
  envelopeBoundToKey,
  envelopeConfigured,
  envelopeCrossMigrated,
  envelopeCrossReadAescbc,
  envelopeCrossReadAesgcm,
  envelopeCrossReadIdentity,
  envelopeCrossReadKmsV1,
  envelopeCrossReadKmsV1Cbc,
  envelopeCrossReadKmsV2,
  envelopeCrossReadKmsV2Dek,
  envelopeCrossReadSecretbox,
  envelopeCrossWriteAescbc,
  envelopeCrossWriteAesgcm,
  envelopeCrossWriteIdentity,
  envelopeCrossWriteKmsV1,
  envelopeCrossWriteKmsV2,
  envelopeCrossWriteSecretbox,
  envelopeEncrypted,
  envelopeHidden,
  envelopeKmsV1DekOnce,
  envelopeKmsV1DekSize,
  envelopeKmsV1EdekLength,
  envelopeKmsV1EdekOnce,
  envelopeKmsV1Gcm,
  envelopeKmsV1Payload,
  envelopeKmsV2AnnotationNames,
  envelopeKmsV2AnnotationSize,
  envelopeKmsV2Canonical,
  envelopeKmsV2Data,
  envelopeKmsV2DekSource,
  envelopeKmsV2Edek,
  envelopeKmsV2EdekContext,
  envelopeKmsV2EdekShared,
  envelopeKmsV2InfoOnce,
  envelopeKmsV2KeyId,
  envelopeKmsV2NonceOnce,
  envelopeKmsV2Protobuf,
  envelopeKmsV2Seed,
  envelopeKmsV2SeedSize,
  envelopeLength,
  envelopeObjectName,
  envelopeOneWriter,
  envelopeOpens,
  envelopePrefix,
  envelopeRefusedKmsV1Length,
  envelopeRefusedKmsV2Annotations,
  envelopeRefusedKmsV2Data,
  envelopeRefusedKmsV2DekSource,
  envelopeRefusedKmsV2Edek,
  envelopeRefusedKmsV2KeyId,
  envelopeRefusedKmsV2Limits,
  envelopeRefusedKmsV2Protobuf,
  envelopeRefusedOtherKey,
  envelopeRefusedPrefix,
  envelopeRefusedShort,
  envelopeRefusedTampered,
  envelopeSecretboxLength,
  envelopeSecretboxNonceOnce,
];

export const apiserverChecks: readonly Check<ApiserverSubject>[] = [
  apiserverAad01Bound,
  apiserverAad02NotBound,
  apiserverAad03EtcdKey,
  apiserverEc01NothingGiven,
  apiserverEc02OneProvider,
  apiserverEc03KmsName,
  apiserverEc04KmsTimeout,
  apiserverEc05KmsEndpoint,
  apiserverEc06KmsCachesize,
  apiserverEc07KmsVersion,
  apiserverEc08LocalKeys,
  apiserverEc08ResourceNames,
  apiserverEc09UnknownField,
  apiserverEc10Overlap,
  apiserverFr01Prefix,
  apiserverFr02AllRead,
  apiserverFr02ReadOrder,
  apiserverFr03StaleKey,
  apiserverFr03StaleProvider,
  apiserverFr04ReadsWriteNothing,
  apiserverFr05NoOpUpdate,
  apiserverFr06UnknownPrefix,
  apiserverFr07IdentityFirst,
  apiserverFr08NoPlaintext,
  apiserverFr09ResourceLookup,
  apiserverFr10NeverEncrypted,
  apiserverHz01WithReload,
  apiserverHz01WithoutReload,
  apiserverK101EdekLength,
  apiserverK102DekPerWrite,
  apiserverK103EncryptPerWrite,
  apiserverK104OwnWrites,
  apiserverK105CacheOverrun,
  apiserverK106VersionFirst,
  apiserverK106VersionRefused,
  apiserverK107Gcm,
  apiserverK107LegacyCbc,
  apiserverK108Restart,
  apiserverK109Probe,
  apiserverK110Gate,
  apiserverK111VersionField,
  apiserverK201Limits,
  apiserverK202SourceType,
  apiserverK203ExtendedNonce,
  apiserverK204InfoPerWrite,
  apiserverK205WritesAlone,
  apiserverK206Start,
  apiserverK207PollPeriod,
  apiserverK208HealthTraffic,
  apiserverK209Rotation,
  apiserverK210SameKey,
  apiserverK211KeyMismatch,
  apiserverK212WriteExpiry,
  apiserverK213ExpiredReads,
  apiserverK214SickWrites,
  apiserverK215StatusVersion,
  apiserverK216KeyIdLength,
  apiserverK217CiphertextLength,
  apiserverK218Annotations,
  apiserverK219DecryptRequest,
  apiserverK220ConcurrentRestart,
  apiserverK220SerialRestart,
  apiserverK221CachedSource,
  apiserverK222OtherCiphertext,
  apiserverK223KeyReturns,
  apiserverK224ColdStart,
  apiserverK225StoredDek,
  apiserverK226Authority,
  apiserverK227Metrics,
  apiserverK228RefusedValues,
  apiserverLp01Aescbc,
  apiserverLp02Aesgcm,
  apiserverLp03Secretbox,
  apiserverLp04Tampered,
  apiserverMg01ReplaceAll,
  apiserverMg02NothingLeft,
  apiserverRd01Transforms,
  apiserverRd02OneBroken,
  apiserverRd03ConsistencyReads,
  apiserverRl01Reload,
  apiserverRl02WrongFile,
  apiserverRl03UnhealthyPlugin,
  apiserverRl04ColdCaches,
  apiserverSz01StoredLength,
];

export const securityChecks: readonly Check<SecuritySubject>[] = [
  securityApiAuthenticated,
  securityEtcdFolderMode,
  securityIdentityBehind,
  securityIdentityFirst,
  securityKeyFilesMode,
  securityMovedAescbc,
  securityMovedAesgcm,
  securityMovedKmsV1,
  securityMovedKmsV2,
  securityMovedSecretbox,
  securityPlainTextRefused,
  securityRandomUniform,
  securityRandomUnique,
  securitySearchApiServerLog,
  securitySearchCredentials,
  securitySearchDatabase,
  securitySearchEtcdLog,
  securitySearchKeys,
  securitySearchPluginLog,
  securitySearchRevisions,
  securitySearchRunFolder,
  securitySearchSnapshots,
  securitySearchWal,
  securitySocketMode,
  securityTamperedAescbc,
  securityTamperedAesgcm,
  securityTamperedKmsV1,
  securityTamperedKmsV2,
  securityTamperedSecretbox,
  securityTlsApiServer,
  securityTlsEtcd,
];

export const configChecks: readonly Check<ConfigSubject>[] = [
  configAescbc,
  configAesgcm,
  configCachesize,
  configDecodable,
  configEndpointsOnce,
  configFileMode,
  configIdentityBehind,
  configIdentityFirst,
  configKeyLengths,
  configKeyNames,
  configKeysOnce,
  configKmsCachesize,
  configKmsEndpoint,
  configKmsName,
  configKmsTimeout,
  configKmsV1,
  configKmsVersion,
  configLocalKeys,
  configLocalKeysApart,
  configNothingMissing,
  configOneProvider,
  configOverlap,
  configProviderOrder,
  configResourceNames,
  configSecretbox,
  configSecretsCovered,
  configSockets,
  configTimeout,
];

/** What can be said of every check without running it. */
export const allChecks: readonly Omit<Check<never>, "run">[] = [
  ...pluginChecks,
  ...envelopeChecks,
  ...apiserverChecks,
  ...securityChecks,
  ...configChecks,
];
