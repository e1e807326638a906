package mongostore

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/zap"
)

// kind is what sort of server the database is on, as far as it changes what is asked
// of it.
type kind struct {
	Version  string `bson:"version"`
	FerretDB string `bson:"ferretdbVersion"` // empty on MongoDB

	SetName string `bson:"setName"` // of the replica set
	Msg     string `bson:"msg"`     // "isdbgrid" on a mongos

	engine engine
}

// engine is how the server stores.
type engine struct {
	Name       string `bson:"name"`
	Persistent bool   `bson:"persistent"`
}

// ferretBatch is the most documents that one command may have on FerretDB v1: over 100
// its ordered insert does not stop at an error.
const ferretBatch = 100

func (k kind) ferret() bool { return k.FerretDB != "" }

// replicated reports whether a write may be asked of a majority of several members.
func (k kind) replicated() bool { return k.SetName != "" || k.Msg == "isdbgrid" }

// tellsChanges reports whether the server has change streams.
func (k kind) tellsChanges() bool { return k.replicated() && !k.ferret() }

// batch is how many documents one command may have.
func (k kind) batch() int {
	if k.ferret() {
		return ferretBatch
	}
	return maxBatch
}

// look finds the server, and reads once from the database, so that an address or a user
// that is of no use is found out now.
func (db *DB) look(ctx context.Context, database string) (k kind, err error) {
	admin, own := db.control.Database("admin"), db.control.Database(database)
	if err := admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&k); err != nil {
		return k, err
	}
	if err := admin.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&k); err != nil {
		return k, err
	}
	k.engine = db.engine(ctx)
	cursor, err := own.Collection(collNodes).Find(ctx, bson.D{}, options.Find().SetLimit(1))
	if err != nil {
		return k, err
	}
	return k, cursor.Close(ctx)
}

// engine asks how the server stores. Not every user may ask, and then nothing is said.
func (db *DB) engine(ctx context.Context) engine {
	var status struct {
		Engine engine `bson:"storageEngine"`
	}
	unknown := engine{Persistent: true}
	err := db.control.Database("admin").RunCommand(ctx, bson.D{{Key: "serverStatus", Value: 1}}).Decode(&status)
	if err != nil || status.Engine.Name == "" {
		return unknown
	}
	return status.Engine
}

// warn says what is weaker than what is promised to clients.
func (k kind) warn(log *zap.Logger) {
	switch {
	case k.ferret():
		log.Warn("the database is FerretDB: good for tests, not for production")
	case !k.replicated():
		log.Warn("MongoDB is a standalone server, not a replica set: what it acknowledged is lost with its disk",
			zap.String("mongodb", k.Version))
	}
	if !k.engine.Persistent {
		log.Warn("MongoDB keeps nothing on disk: all is lost when it stops", zap.String("engine", k.engine.Name))
	}
}
