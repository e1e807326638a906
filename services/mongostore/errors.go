package mongostore

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/presenced/presence/events"
)

// codeDuplicate is the server's code for an id that is taken.
const codeDuplicate = 11000

// refused are the codes with which a server says that it has not done, and will not
// do, what was asked, until somebody changes something: rights, room, or settings. All
// others, those of elections, shutdowns and timeouts among them, leave open what
// happened, or pass by themselves.
var refused = map[int]string{
	2:     "BadValue",
	9:     "FailedToParse",
	11:    "UserNotFound",
	13:    "Unauthorized",
	14:    "TypeMismatch",
	18:    "AuthenticationFailed",
	20:    "IllegalOperation",
	31:    "RoleNotFound",
	59:    "CommandNotFound",
	61:    "ShardKeyNotFound",
	72:    "InvalidOptions",
	73:    "InvalidNamespace",
	115:   "CommandNotSupported",
	121:   "DocumentValidationFailure",
	166:   "CommandNotSupportedOnView",
	238:   "NotImplemented",
	323:   "APIStrictError",
	371:   "UserWritesBlocked",
	8000:  "AtlasError", // over quota, among others
	10334: "BSONObjectTooLarge",
	13297: "DatabaseDifferCase",
	14031: "OutOfDiskSpace",
	40573: "Location40573", // a change stream on a standalone server
}

// wrap names the operation and its key, and adds the class to what the driver said:
// events.ErrUnavailable, ErrRefused or ErrInvalid. Of nil it makes nil.
func wrap(operation, key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("mongodb: %s %s: %w: %w", operation, key, class(err), err)
}

// class is the class of an error of the driver that is no duplicate.
func class(err error) error {
	if errors.As(err, new(mongo.MarshalError)) {
		return events.ErrInvalid
	}
	if hasWriteConcernError(err) || interrupted(err) {
		return events.ErrUnavailable
	}
	for _, code := range mongo.ErrorCodes(err) {
		if _, ok := refused[code]; ok || code == codeDuplicate {
			return events.ErrRefused // a duplicate that came here is one of a foreign unique index
		}
	}
	return events.ErrUnavailable
}

// interrupted reports whether the caller, and not the server, ended the operation.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// hasWriteConcernError reports whether a write was made, but not by a majority, as far
// as the server knows. It may be rolled back.
func hasWriteConcernError(err error) bool {
	if many := (mongo.BulkWriteException{}); errors.As(err, &many) {
		return many.WriteConcernError != nil
	}
	if one := (mongo.WriteException{}); errors.As(err, &one) {
		return one.WriteConcernError != nil
	}
	return false
}

// durable is how many documents of an ordered insert are surely there, given its error,
// and whether it ended at one whose id was taken.
func durable(err error, size int) (n int, occupied bool) {
	if err == nil {
		return size, false
	}
	many := mongo.BulkWriteException{}
	if !errors.As(err, &many) || many.WriteConcernError != nil || len(many.WriteErrors) == 0 {
		return 0, false
	}
	failed := many.WriteErrors[0]
	if failed.Index < 0 || failed.Index >= size {
		return 0, false
	}
	return failed.Index, idTaken(failed.WriteError)
}

// onlyTaken reports whether all that failed in an unordered insert were ids that are
// there already.
func onlyTaken(err error) bool {
	many := mongo.BulkWriteException{}
	if !errors.As(err, &many) || many.WriteConcernError != nil || len(many.WriteErrors) == 0 {
		return false
	}
	for _, failed := range many.WriteErrors {
		if !idTaken(failed.WriteError) {
			return false
		}
	}
	return true
}

// idTaken reports whether a write failed because its _id is there. A unique index that
// somebody added gives the same code; the server says of which key it speaks.
func idTaken(e mongo.WriteError) bool {
	if e.Code != codeDuplicate {
		return false
	}
	pattern, ok := e.Raw.Lookup("keyPattern").DocumentOK()
	return !ok || onlyID(pattern)
}

func onlyID(pattern bson.Raw) bool {
	elements, err := pattern.Elements()
	return err == nil && len(elements) == 1 && elements[0].Key() == "_id"
}

// invalid is the error of a document that another program must have written, and nil
// of nil.
func invalid(operation, key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("mongodb: %s %s: %w: %w", operation, key, events.ErrInvalid, err)
}
