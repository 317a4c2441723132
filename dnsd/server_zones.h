// The zones at a start: imported once, then from the store; those that the configuration does not
// name rest.
#pragma once

#include <memory>
#include <vector>

#include "dnsd/config.h"
#include "zones/loader.h"
#include "zones/snapshot.h"
#include "zones/store.h"

namespace dnsd {

/// Reads the zones of the configuration that the store lacks from their files into the builder, and
/// then writes them to the store, all at once, with progress in the log. A zone that the store has
/// keeps its data, and the log says that its file is ignored. Throws StartError and StoreError;
/// then the store is as it was.
void import_zones(zones::Store& store, zones::CatalogueBuilder& builder,
                  const std::vector<ZoneConfig>& zones);

/// Takes zones that the configuration does not name out of what is served. Their data stay in the
/// store: what the checkpoint lacks of them is written, since the writer will not know them any
/// more, and their leases do not end meanwhile. Throws StoreError.
void rest_zones(zones::Store& store, zones::CatalogueBuilder& builder, zones::Loaded& loaded,
                LeaseTable& leases, const std::vector<ZoneConfig>& zones);

}  // namespace dnsd
