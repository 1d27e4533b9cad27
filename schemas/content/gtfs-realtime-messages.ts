import {
  bool,
  double,
  float,
  int32,
  int64,
  message,
  nested,
  oneOf,
  repeated,
  required,
  text,
  uint32,
  uint64,
} from './protobuf-table.ts'
import type { ValueOf } from './protobuf-table.ts'

/**
 * GTFS Realtime 2.0 as tables, one line per field, with the names and numbers of the published
 * gtfs-realtime.proto (2026-07). It stands here in place of generated code; a test compares it with
 * the official bindings field by field, so a newer version of those shows what is missing.
 */

const occupancyStatuses = {
  EMPTY: 0,
  MANY_SEATS_AVAILABLE: 1,
  FEW_SEATS_AVAILABLE: 2,
  STANDING_ROOM_ONLY: 3,
  CRUSHED_STANDING_ROOM_ONLY: 4,
  FULL: 5,
  NOT_ACCEPTING_PASSENGERS: 6,
  NO_DATA_AVAILABLE: 7,
  NOT_BOARDABLE: 8,
}

const modifiedTripSelector = message({
  modifications_id: text(1),
  affected_trip_id: text(2),
  start_time: text(3),
  start_date: text(4),
})

const tripDescriptor = message({
  trip_id: text(1),
  start_time: text(2),
  start_date: text(3),
  schedule_relationship: oneOf(4, {
    SCHEDULED: 0,
    ADDED: 1,
    UNSCHEDULED: 2,
    CANCELED: 3,
    REPLACEMENT: 5,
    DUPLICATED: 6,
    DELETED: 7,
    NEW: 8,
  }),
  route_id: text(5),
  direction_id: uint32(6),
  modified_trip: nested(7, modifiedTripSelector),
})

const vehicleDescriptor = message({
  id: text(1),
  label: text(2),
  license_plate: text(3),
  wheelchair_accessible: oneOf(4, {
    NO_VALUE: 0,
    UNKNOWN: 1,
    WHEELCHAIR_ACCESSIBLE: 2,
    WHEELCHAIR_INACCESSIBLE: 3,
  }),
})

const stopTimeEvent = message({
  delay: int32(1),
  time: int64(2),
  uncertainty: int32(3),
  scheduled_time: int64(4),
})

const boardingTypes = { REGULAR: 0, NONE: 1, PHONE_AGENCY: 2, COORDINATE_WITH_DRIVER: 3 }

const stopTimeProperties = message({
  assigned_stop_id: text(1),
  stop_headsign: text(2),
  pickup_type: oneOf(3, boardingTypes),
  drop_off_type: oneOf(4, boardingTypes),
})

const stopTimeUpdate = message({
  stop_sequence: uint32(1),
  arrival: nested(2, stopTimeEvent),
  departure: nested(3, stopTimeEvent),
  stop_id: text(4),
  schedule_relationship: oneOf(5, { SCHEDULED: 0, SKIPPED: 1, NO_DATA: 2, UNSCHEDULED: 3 }),
  stop_time_properties: nested(6, stopTimeProperties),
  departure_occupancy_status: oneOf(7, occupancyStatuses),
})

const tripProperties = message({
  trip_id: text(1),
  start_date: text(2),
  start_time: text(3),
  shape_id: text(4),
  trip_headsign: text(5),
  trip_short_name: text(6),
})

const tripUpdate = message({
  trip: required(nested(1, tripDescriptor)),
  stop_time_update: repeated(nested(2, stopTimeUpdate)),
  vehicle: nested(3, vehicleDescriptor),
  timestamp: uint64(4),
  delay: int32(5),
  trip_properties: nested(6, tripProperties),
})

const position = message({
  latitude: required(float(1)),
  longitude: required(float(2)),
  bearing: float(3),
  odometer: double(4),
  speed: float(5),
})

const carriageDetails = message({
  id: text(1),
  label: text(2),
  occupancy_status: oneOf(3, occupancyStatuses),
  occupancy_percentage: int32(4),
  carriage_sequence: uint32(5),
})

const vehiclePosition = message({
  trip: nested(1, tripDescriptor),
  position: nested(2, position),
  current_stop_sequence: uint32(3),
  current_status: oneOf(4, { INCOMING_AT: 0, STOPPED_AT: 1, IN_TRANSIT_TO: 2 }),
  timestamp: uint64(5),
  congestion_level: oneOf(6, {
    UNKNOWN_CONGESTION_LEVEL: 0,
    RUNNING_SMOOTHLY: 1,
    STOP_AND_GO: 2,
    CONGESTION: 3,
    SEVERE_CONGESTION: 4,
  }),
  stop_id: text(7),
  vehicle: nested(8, vehicleDescriptor),
  occupancy_status: oneOf(9, occupancyStatuses),
  occupancy_percentage: uint32(10),
  multi_carriage_details: repeated(nested(11, carriageDetails)),
})

const translatedString = message({
  translation: repeated(nested(1, message({ text: required(text(1)), language: text(2) }))),
})

const localizedImage = message({
  url: required(text(1)),
  media_type: required(text(2)),
  language: text(3),
})

const timeRange = message({ start: uint64(1), end: uint64(2) })

const entitySelector = message({
  agency_id: text(1),
  route_id: text(2),
  route_type: int32(3),
  trip: nested(4, tripDescriptor),
  stop_id: text(5),
  direction_id: uint32(6),
})

const alert = message({
  active_period: repeated(nested(1, timeRange)),
  communication_period: repeated(nested(2, timeRange)),
  impact_period: repeated(nested(3, timeRange)),
  informed_entity: repeated(nested(5, entitySelector)),
  cause: oneOf(6, {
    UNKNOWN_CAUSE: 1,
    OTHER_CAUSE: 2,
    TECHNICAL_PROBLEM: 3,
    STRIKE: 4,
    DEMONSTRATION: 5,
    ACCIDENT: 6,
    HOLIDAY: 7,
    WEATHER: 8,
    MAINTENANCE: 9,
    CONSTRUCTION: 10,
    POLICE_ACTIVITY: 11,
    MEDICAL_EMERGENCY: 12,
    SPECIAL_EVENT: 13,
  }),
  effect: oneOf(7, {
    NO_SERVICE: 1,
    REDUCED_SERVICE: 2,
    SIGNIFICANT_DELAYS: 3,
    DETOUR: 4,
    ADDITIONAL_SERVICE: 5,
    MODIFIED_SERVICE: 6,
    OTHER_EFFECT: 7,
    UNKNOWN_EFFECT: 8,
    STOP_MOVED: 9,
    NO_EFFECT: 10,
    ACCESSIBILITY_ISSUE: 11,
  }),
  url: nested(8, translatedString),
  header_text: nested(10, translatedString),
  description_text: nested(11, translatedString),
  tts_header_text: nested(12, translatedString),
  tts_description_text: nested(13, translatedString),
  severity_level: oneOf(14, { UNKNOWN_SEVERITY: 1, INFO: 2, WARNING: 3, SEVERE: 4 }),
  image: nested(15, message({ localized_image: repeated(nested(1, localizedImage)) })),
  image_alternative_text: nested(16, translatedString),
  cause_detail: nested(17, translatedString),
  effect_detail: nested(18, translatedString),
})

const stop = message({
  stop_id: text(1),
  stop_code: nested(2, translatedString),
  stop_name: nested(3, translatedString),
  tts_stop_name: nested(4, translatedString),
  stop_desc: nested(5, translatedString),
  stop_lat: float(6),
  stop_lon: float(7),
  zone_id: text(8),
  stop_url: nested(9, translatedString),
  parent_station: text(11),
  stop_timezone: text(12),
  wheelchair_boarding: oneOf(13, { UNKNOWN: 0, AVAILABLE: 1, NOT_AVAILABLE: 2 }),
  level_id: text(14),
  platform_code: nested(15, translatedString),
})

const stopSelector = message({ stop_sequence: uint32(1), stop_id: text(2) })

const modification = message({
  start_stop_selector: nested(1, stopSelector),
  end_stop_selector: nested(2, stopSelector),
  propagated_modification_delay: int32(3),
  replacement_stops: repeated(
    nested(4, message({ travel_time_to_stop: int32(1), stop_id: text(2) })),
  ),
  service_alert_id: text(5),
  last_modified_time: uint64(6),
})

const tripModifications = message({
  selected_trips: repeated(nested(1, message({ trip_ids: repeated(text(1)), shape_id: text(2) }))),
  start_times: repeated(text(2)),
  service_dates: repeated(text(3)),
  modifications: repeated(nested(4, modification)),
})

export const feedEntity = message({
  id: required(text(1)),
  is_deleted: bool(2),
  trip_update: nested(3, tripUpdate),
  vehicle: nested(4, vehiclePosition),
  alert: nested(5, alert),
  shape: nested(6, message({ shape_id: text(1), encoded_polyline: text(2) })),
  stop: nested(7, stop),
  trip_modifications: nested(8, tripModifications),
})

export const feedHeader = message({
  gtfs_realtime_version: required(text(1)),
  incrementality: oneOf(2, { FULL_DATASET: 0, DIFFERENTIAL: 1 }),
  timestamp: uint64(3),
  feed_version: text(4),
})

export const feedMessage = message({
  header: required(nested(1, feedHeader)),
  entity: repeated(nested(2, feedEntity)),
})

export type FeedHeader = ValueOf<typeof feedHeader>
export type FeedEntity = ValueOf<typeof feedEntity>
export type TripUpdate = ValueOf<typeof tripUpdate>
export type StopTimeUpdate = ValueOf<typeof stopTimeUpdate>
export type VehiclePosition = ValueOf<typeof vehiclePosition>
export type VehicleDescriptor = ValueOf<typeof vehicleDescriptor>
export type Alert = ValueOf<typeof alert>
export type EntitySelector = ValueOf<typeof entitySelector>
